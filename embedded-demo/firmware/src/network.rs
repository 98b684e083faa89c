//! The transport: one TCP connection a request, over Ethernet.

use core::net::Ipv4Addr;
use core::time::Duration;

use embedded_demo::{Transport, http1};
use embedded_io::ErrorKind;
use oauth_protocol::{HttpRequest, HttpResponse, Instant, TransportFailure};
use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp::{RecvError, Socket, SocketBuffer};
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Cidr};

use crate::ethernet::Ethernet;
use crate::system_timer::SystemTimer;

/// Where QEMU's network has a guest; a board in a house asks DHCP, which smoltcp also knows.
const OWN_ADDRESS: Ipv4Cidr = Ipv4Cidr::new(Ipv4Addr::new(10, 0, 2, 15), 24);
/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest wait for the other side to see that a connection is over.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest answer that is read, in bytes: memory is short, tokens are not longer.
const MAX_BODY_BYTES: usize = 4096;
/// The ports of connections from here (RFC 6335 §6).
const FIRST_PORT: u16 = 49152;

/// The memory of the one socket.
pub struct SocketMemory {
    sockets: [SocketStorage<'static>; 1],
    received: [u8; 1024],
    sent: [u8; 512],
}

impl SocketMemory {
    /// Empty.
    pub const EMPTY: Self = Self { sockets: [SocketStorage::EMPTY], received: [0; 1024], sent: [0; 512] };
}

/// The network with its one socket.
pub struct Network {
    ethernet: Ethernet,
    timer: SystemTimer,
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
    port: u16,
}

impl Network {
    /// The network behind `ethernet`. The `seed` makes the ports and the first numbers of connections differ from start
    /// to start; where there is nothing to draw it from, whoever is on the same network can guess them.
    pub fn start(
        mut ethernet: Ethernet,
        address: [u8; 6],
        timer: SystemTimer,
        memory: &'static mut SocketMemory,
        seed: u64,
    ) -> Self {
        let mut config = Config::new(EthernetAddress(address).into());
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut ethernet, moment(timer.now()));
        interface.update_ip_addrs(|addresses| {
            // There is room for one.
            let _ = addresses.push(IpCidr::Ipv4(OWN_ADDRESS));
        });
        let mut sockets = SocketSet::new(&mut memory.sockets[..]);
        let (received, sent) =
            (SocketBuffer::new(&mut memory.received[..]), SocketBuffer::new(&mut memory.sent[..]));
        let socket = sockets.add(Socket::new(received, sent));
        Self { ethernet, timer, interface, sockets, socket, port: FIRST_PORT }
    }

    /// Lets frames come and go until `ready` has something to say.
    fn wait<R>(
        &mut self,
        deadline: Instant,
        mut ready: impl FnMut(&mut Socket<'_>) -> Option<R>,
    ) -> Result<R, ErrorKind> {
        loop {
            let now = self.timer.now();
            let polled = self.interface.poll(moment(now), &mut self.ethernet, &mut self.sockets);
            if let Some(result) = ready(self.sockets.get_mut(self.socket)) {
                return Ok(result);
            }
            if now >= deadline {
                return Err(ErrorKind::TimedOut);
            }
            if polled == PollResult::None {
                self.timer.wait();
            }
        }
    }

    fn connect(&mut self, request: &HttpRequest, deadline: Instant) -> Result<(), TransportFailure> {
        // Names want DNS, which smoltcp also knows.
        let host: Ipv4Addr = request.url().host().parse().map_err(|_| TransportFailure::Dns)?;
        self.port = self.port.checked_add(1).unwrap_or(FIRST_PORT);
        let socket = self.sockets.get_mut::<Socket<'_>>(self.socket);
        let server = (host, request.url().port());
        socket.connect(self.interface.context(), server, self.port).map_err(|_| TransportFailure::Connect)?;
        let deadline = deadline.min(self.timer.now().saturating_add(CONNECT_TIMEOUT));
        let is_connected = self.wait(deadline, |socket| {
            if socket.may_send() { Some(true) } else { (!socket.is_active()).then_some(false) }
        });
        if is_connected == Ok(true) { Ok(()) } else { Err(TransportFailure::Connect) }
    }

    /// The socket is free after it.
    fn close(&mut self) {
        self.sockets.get_mut::<Socket<'_>>(self.socket).close();
        let deadline = self.timer.now().saturating_add(CLOSE_TIMEOUT);
        let is_over = |socket: &mut Socket<'_>| (!socket.may_recv() && !socket.may_send()).then_some(());
        if self.wait(deadline, is_over).is_err() {
            self.sockets.get_mut::<Socket<'_>>(self.socket).abort();
        }
        // What is left of the connection is sent.
        let _ = self.wait(self.timer.now(), |_| None::<()>);
        self.sockets.get_mut::<Socket<'_>>(self.socket).abort();
    }
}

impl Transport for &mut Network {
    #[inline(never)] // Once in the flash, and its stack only while it runs.
    fn exchange(&mut self, request: &HttpRequest) -> Result<HttpResponse, TransportFailure> {
        if request.url().is_https() {
            return Err(TransportFailure::Tls);
        }
        let deadline = self.timer.now().saturating_add(request.timeout());
        let result = self.connect(request, deadline).and_then(|()| {
            http1::exchange(&mut Connection { network: self, deadline }, request, MAX_BODY_BYTES)
        });
        self.close();
        result
    }
}

/// A connection whose time is over at a moment.
struct Connection<'a> {
    network: &'a mut Network,
    deadline: Instant,
}

impl embedded_io::ErrorType for Connection<'_> {
    type Error = ErrorKind;
}

impl embedded_io::Read for Connection<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        self.network.wait(self.deadline, |socket| match socket.recv_slice(buffer) {
            Ok(0) => None,
            Ok(count) => Some(Ok(count)),
            Err(RecvError::Finished) => Some(Ok(0)),
            Err(RecvError::InvalidState) => Some(Err(ErrorKind::ConnectionReset)),
        })?
    }
}

impl embedded_io::Write for Connection<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.network.wait(self.deadline, |socket| match socket.send_slice(bytes) {
            Ok(0) => None,
            Ok(count) => Some(Ok(count)),
            Err(_) => Some(Err(ErrorKind::ConnectionReset)),
        })?
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.network
            .wait(self.deadline, |socket| (socket.send_queue() == 0 || !socket.may_send()).then_some(()))
    }
}

fn moment(instant: Instant) -> smoltcp::time::Instant {
    smoltcp::time::Instant::from_millis(i64::try_from(instant.as_millis()).unwrap_or(i64::MAX))
}
