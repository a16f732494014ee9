//! Closed choices with a name each, by which they are stored and published: a name keeps its meaning for ever, whatever
//! becomes of the code.

macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $choice:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$about])* $choice,)+
        }

        impl $name {
            /// Every choice.
            pub const ALL: &'static [Self] = &[$(Self::$choice),+];

            /// Its name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$choice => $text,)+
                }
            }

            /// The choice of this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|choice| choice.as_str() == name)
            }
        }
    };
}

pub(super) use named_enum;
