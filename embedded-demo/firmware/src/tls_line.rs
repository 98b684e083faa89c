//! TLS 1.3 over the serial line, with the authority and the host's name checked.

use embedded_demo::{Transport, http1};
use embedded_io::{Error as _, ErrorKind};
use embedded_tls::blocking::{
    Certificate, CertificateRef, CertificateVerifyRef, NoClock, TlsConfig, TlsConnection, TlsContext,
    TlsVerifier,
};
use embedded_tls::pki::CertVerifier;
use embedded_tls::{Aes128GcmSha256, CryptoProvider, CryptoRng, CryptoRngCore, TlsCipherSuite, TlsError};
use oauth_protocol::{HttpRequest, HttpResponse, TransportFailure};
use rand_core::RngCore;

use crate::serial_line::{MAX_BODY_BYTES, SerialLine};

/// The longest certificate that a server may have.
const LONGEST_CERTIFICATE: usize = 1024;

/// The memory for records. The server chooses how long they are, up to 16 KiB and what encryption adds.
pub struct Records {
    received: [u8; 16_640],
    sent: [u8; 1024],
}

impl Records {
    /// Empty.
    #[allow(clippy::large_stack_arrays)] // It is for static memory.
    pub const EMPTY: Self = Self { received: [0; 16_640], sent: [0; 1024] };
}

/// A serial line to a server that proves who it is.
pub struct TlsLine<R> {
    line: SerialLine,
    records: &'static mut Records,
    authority: &'static [u8],
    random: R,
}

impl<R: CryptoRngCore> TlsLine<R> {
    /// The line, and the certificate (DER) of the one authority that is believed.
    pub const fn new(
        line: SerialLine,
        records: &'static mut Records,
        authority: &'static [u8],
        random: R,
    ) -> Self {
        Self { line, records, authority, random }
    }

    #[inline(never)] // Elliptic curves need kilobytes of stack.
    fn exchange_encrypted(&mut self, request: &HttpRequest) -> Result<HttpResponse, TransportFailure> {
        let Self { line, records: Records { received, sent }, authority, random } = self;
        let mut connection: TlsConnection<'_, _, Aes128GcmSha256> =
            TlsConnection::new(line.connection(request), received, sent);
        let config = TlsConfig::new().with_server_name(request.url().host());
        let provider =
            Provider { random, verifier: OneStep(CertVerifier::new(Certificate::X509(authority))) };
        connection.open(TlsContext::new(&config, provider)).map_err(|error| match error.kind() {
            ErrorKind::TimedOut => TransportFailure::Timeout,
            _ => TransportFailure::Tls,
        })?;
        http1::exchange(&mut connection, request, MAX_BODY_BYTES)
    }
}

impl<R: CryptoRngCore> Transport for TlsLine<R> {
    fn exchange(&mut self, request: &HttpRequest) -> Result<HttpResponse, TransportFailure> {
        let result = self.exchange_encrypted(request);
        self.line.disconnected();
        result
    }
}

struct Provider<'a, R> {
    random: &'a mut R,
    verifier: OneStep<'a>,
}

impl<R: CryptoRngCore> CryptoProvider for Provider<'_, R> {
    type CipherSuite = Aes128GcmSha256;
    type Signature = &'static [u8];

    fn rng(&mut self) -> impl CryptoRngCore {
        &mut *self.random
    }

    fn verifier(&mut self) -> Result<&mut impl TlsVerifier<Aes128GcmSha256>, TlsError> {
        Ok(&mut self.verifier)
    }
}

/// A certificate that the authority itself has signed, for the host's name.
///
/// No longer chain: embedded-tls does not look whether the one in the middle may sign others, so that whoever has any
/// certificate of the authority could make one for any host. No dates: this board does not know what day it is.
struct OneStep<'a>(CertVerifier<'a, Aes128GcmSha256, NoClock, LONGEST_CERTIFICATE>);

impl TlsVerifier<Aes128GcmSha256> for OneStep<'_> {
    fn set_hostname_verification(&mut self, host: &str) -> Result<(), TlsError> {
        TlsVerifier::<Aes128GcmSha256>::set_hostname_verification(&mut self.0, host)
    }

    fn verify_certificate(
        &mut self,
        transcript: &<Aes128GcmSha256 as TlsCipherSuite>::Hash,
        chain: CertificateRef<'_>,
    ) -> Result<(), TlsError> {
        if chain.entries.len() != 1 {
            return Err(TlsError::InvalidCertificate);
        }
        self.0.verify_certificate(transcript, chain)
    }

    fn verify_signature(&mut self, verify: CertificateVerifyRef<'_>) -> Result<(), TlsError> {
        TlsVerifier::<Aes128GcmSha256>::verify_signature(&mut self.0, verify)
    }
}

/// NOT RANDOM: this board has nothing to draw from, and whoever knows these numbers reads everything. A product gives
/// the transport its hardware's generator in place of this.
pub struct NotRandom(pub u64);

impl RngCore for NotRandom {
    fn next_u32(&mut self) -> u32 {
        let [a, b, c, d, ..] = self.next_u64().to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    /// `SplitMix64`.
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&self.next_u64().to_le_bytes()[..piece.len()]);
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

/// It says so itself: it is none.
impl CryptoRng for NotRandom {}
