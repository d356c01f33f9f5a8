//! The sandbox from outside: raw HTTP, and a client of MQTT that does nothing by itself.

mod binary;
mod broker;
mod bson;
mod client;
mod conformance;
mod control;
mod data;
mod data_dir;
mod faults;
mod fixtures;
mod folder;
mod http;
mod interfaces;
mod introspection;
mod pairing;
mod properties;
mod scenarios;
mod server_data;
mod versions;
