//! Codes, tokens and identifiers from the operating system's CSPRNG.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The source of everything that must not be guessed. It draws in blocks: a system call for each token would show.
pub(crate) struct Randomness {
    block: [u8; BLOCK],
    used: usize,
}

const BLOCK: usize = 512;

impl Randomness {
    pub(crate) const fn new() -> Self {
        Self { block: [0; BLOCK], used: BLOCK }
    }

    #[expect(
        clippy::expect_used,
        reason = "no request can cause this, and a server without entropy must not hand out codes"
    )]
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        const { assert!(N <= BLOCK) };
        if self.used + N > BLOCK {
            getrandom::fill(&mut self.block).expect("the operating system has a random source");
            self.used = 0;
        }
        let mut bytes = [0; N];
        let drawn = &mut self.block[self.used..self.used + N];
        bytes.copy_from_slice(drawn);
        drawn.fill(0);
        self.used += N;
        bytes
    }

    /// 256 bits as 43 characters of base64url: fit for a `device_code` (RFC 8628 section 5.2), a `code` or a token.
    pub(crate) fn token(&mut self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// `length` characters of `alphabet`, each equally likely.
    pub(crate) fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        // Bytes past the last whole multiple of the alphabet would favour its first letters.
        let fair = 256 - 256 % alphabet.len();
        let mut text = String::with_capacity(length);
        while text.len() < length {
            for byte in self.bytes::<16>().map(usize::from) {
                if byte < fair && text.len() < length {
                    text.push(char::from(alphabet[byte % alphabet.len()]));
                }
            }
        }
        text
    }
}
