// oauth2-mock-server with an ES256 key made at its start, as its README shows.
import { OAuth2Server } from 'oauth2-mock-server';

const server = new OAuth2Server();
await server.issuer.keys.generate('ES256');
await server.start(Number(process.argv[2]), '127.0.0.1');
