//! Registration and credentials over HTTP.
