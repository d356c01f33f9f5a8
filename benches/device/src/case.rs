//! What is measured.

use std::str::FromStr;

/// A kind of message, and the way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    DoubleQos0,
    ObjectQos0,
    DoubleQos1,
    PropertyQos2,
    DoubleReceived,
    ObjectReceived,
}

/// Seen from the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Sent,
    Received,
}

impl Case {
    pub const ALL: [Case; 6] = [
        Case::DoubleQos0,
        Case::ObjectQos0,
        Case::DoubleQos1,
        Case::PropertyQos2,
        Case::DoubleReceived,
        Case::ObjectReceived,
    ];

    /// The argument of a process.
    pub fn argument(self) -> &'static str {
        match self {
            Case::DoubleQos0 => "double-qos-0",
            Case::ObjectQos0 => "object-qos-0",
            Case::DoubleQos1 => "double-qos-1",
            Case::PropertyQos2 => "property-qos-2",
            Case::DoubleReceived => "double-received",
            Case::ObjectReceived => "object-received",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Case::DoubleQos0 => "double, QoS 0",
            Case::ObjectQos0 => "object of six fields with timestamp, QoS 0",
            Case::DoubleQos1 => "double, QoS 1",
            Case::PropertyQos2 => "property, QoS 2, memory store",
            Case::DoubleReceived => "double received, QoS 0",
            Case::ObjectReceived => "object of six fields with timestamp received, QoS 0",
        }
    }

    /// What the project allows itself, in instructions a message.
    pub fn ceiling(self) -> u64 {
        match self {
            Case::DoubleQos0 => 1_500,
            Case::ObjectQos0 => 2_500,
            Case::DoubleQos1 => 5_000,
            Case::PropertyQos2 => 9_000,
            Case::DoubleReceived => 5_000,
            Case::ObjectReceived => 6_000,
        }
    }

    pub fn direction(self) -> Direction {
        match self {
            Case::DoubleReceived | Case::ObjectReceived => Direction::Received,
            _ => Direction::Sent,
        }
    }

    pub fn qos(self) -> u8 {
        match self {
            Case::DoubleQos1 => 1,
            Case::PropertyQos2 => 2,
            _ => 0,
        }
    }

    /// The topic below the device's.
    pub fn path(self) -> &'static str {
        match self {
            Case::DoubleQos0 => "org.example.bench.Readings/kitchen/temperature",
            Case::ObjectQos0 => "org.example.bench.Position/truck-17",
            Case::DoubleQos1 => "org.example.bench.Readings/kitchen/humidity",
            Case::PropertyQos2 => "org.example.bench.Settings/kitchen/target",
            Case::DoubleReceived => "org.example.bench.Commands/kitchen/setpoint",
            Case::ObjectReceived => "org.example.bench.Course/truck-17",
        }
    }

    /// A payload, byte for byte what the runtime sends for `value`.
    pub fn payload(self, value: f64) -> Vec<u8> {
        let mut out = Vec::with_capacity(LONGEST);
        match self {
            Case::ObjectQos0 | Case::ObjectReceived => object(value, &mut out),
            _ => document(&mut out, |out| double("v", value, out)),
        }
        out
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(argument: &str) -> Result<Self, String> {
        Case::ALL
            .into_iter()
            .find(|case| case.argument() == argument)
            .ok_or_else(|| format!("no case `{argument}`"))
    }
}

/// The time that all objects have, in milliseconds since 1970.
pub const MILLIS: i64 = 1_537_449_422_890;

/// Holds every payload, in bytes.
const LONGEST: usize = 160;

fn object(value: f64, out: &mut Vec<u8>) {
    document(out, |out| {
        out.extend_from_slice(b"\x09t\0");
        out.extend_from_slice(&MILLIS.to_le_bytes());
        out.extend_from_slice(b"\x03v\0");
        document(out, |out| {
            for field in ["latitude", "longitude", "altitude", "speed", "heading"] {
                double(field, value, out);
            }
            out.extend_from_slice(b"\x10satellites\0");
            out.extend_from_slice(&9_i32.to_le_bytes());
        });
    });
}

fn document(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    content(out);
    out.push(0);
    let length = (out.len() - start) as i32;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

fn double(key: &str, value: f64, out: &mut Vec<u8>) {
    out.push(1);
    out.extend_from_slice(key.as_bytes());
    out.push(0);
    out.extend_from_slice(&value.to_le_bytes());
}
