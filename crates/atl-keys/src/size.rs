//! The sizes of generated keypairs.

/// The sizes this tool generates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KeySize {
    /// 2048 bits.
    Bits2048,
    /// 3072 bits, the default.
    #[default]
    Bits3072,
    /// 4096 bits.
    Bits4096,
}

impl KeySize {
    /// The number of bits.
    pub fn bits(self) -> usize {
        match self {
            Self::Bits2048 => 2048,
            Self::Bits3072 => 3072,
            Self::Bits4096 => 4096,
        }
    }

    /// The size with this many bits, where it is one of the three.
    pub fn from_bits(bits: usize) -> Option<Self> {
        [Self::Bits2048, Self::Bits3072, Self::Bits4096]
            .into_iter()
            .find(|size| size.bits() == bits)
    }
}
