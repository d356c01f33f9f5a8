//! What the device trusts.
