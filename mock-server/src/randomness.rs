//! Codes, tokens and identifiers: from the operating system's CSPRNG, or from a seed so that a run can be repeated.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

/// The source of everything that must not be guessed. It draws in blocks: a system call for each token would show.
pub(crate) struct Randomness {
    source: Source,
    block: [u8; BLOCK],
    used: usize,
}

enum Source {
    OperatingSystem,
    /// HMAC-SHA256 of a counter: the same seed, the same bytes.
    Seed {
        key: hmac::Key,
        counter: u64,
    },
}

const BLOCK: usize = 512;

impl Randomness {
    /// What nobody can guess.
    pub(crate) const fn new() -> Self {
        Self { source: Source::OperatingSystem, block: [0; BLOCK], used: BLOCK }
    }

    /// What `seed` and `label` decide: labels give one seed several independent runs of bytes.
    pub(crate) fn seeded(seed: u64, label: &str) -> Self {
        let secret = [&seed.to_be_bytes(), label.as_bytes()].concat();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        Self { source: Source::Seed { key, counter: 0 }, block: [0; BLOCK], used: BLOCK }
    }

    /// How many blocks of a seed were drawn; 0 where there is none.
    pub(crate) fn drawn(&self) -> u64 {
        match self.source {
            Source::OperatingSystem => 0,
            Source::Seed { counter, .. } => counter,
        }
    }

    /// Goes on behind the blocks that another run drew, so that nothing it made is made again.
    pub(crate) fn skip(&mut self, drawn: u64) {
        if let Source::Seed { counter, .. } = &mut self.source {
            *counter = drawn.max(*counter);
            self.used = BLOCK;
        }
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        const { assert!(N <= BLOCK) };
        if self.used + N > BLOCK {
            self.fill_block();
            self.used = 0;
        }
        let mut bytes = [0; N];
        let drawn = &mut self.block[self.used..self.used + N];
        bytes.copy_from_slice(drawn);
        drawn.fill(0);
        self.used += N;
        bytes
    }

    #[expect(
        clippy::expect_used,
        reason = "no request can cause this, and a server without entropy must not hand out codes"
    )]
    fn fill_block(&mut self) {
        match &mut self.source {
            Source::OperatingSystem => {
                getrandom::fill(&mut self.block).expect("the operating system has a random source");
            }
            Source::Seed { key, counter } => {
                for part in self.block.chunks_exact_mut(32) {
                    *counter += 1;
                    part.copy_from_slice(hmac::sign(key, &counter.to_be_bytes()).as_ref());
                }
            }
        }
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
