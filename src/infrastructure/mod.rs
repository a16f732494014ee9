//! Adapters: one for each port.
