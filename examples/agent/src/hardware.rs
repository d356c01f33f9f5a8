//! What the machine is made of.

use std::{fs, io, thread};

use astarte_runtime::SendError;

use crate::interfaces::{Handles, hardware_info};

/// Facts that do not change while the machine runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Hardware {
    /// The name of the processor; some kernels do not tell it.
    pub cpu_model: Option<String>,
    /// Processors that are online.
    pub cores: usize,
    /// Memory, in bytes.
    pub memory: i64,
}

impl Hardware {
    /// Reads `/proc`.
    ///
    /// # Errors
    ///
    /// - There is no such file, or it says no size of the memory.
    pub fn read() -> io::Result<Self> {
        let memory = fs::read_to_string("/proc/meminfo")?;
        let memory = total_memory(&memory)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no size of the memory"))?;
        Ok(Self {
            cpu_model: cpu_model(&fs::read_to_string("/proc/cpuinfo")?),
            cores: thread::available_parallelism()?.get(),
            memory,
        })
    }

    /// Sets the properties.
    ///
    /// # Errors
    ///
    /// - The device has ended.
    pub async fn report(&self, handles: &Handles) -> Result<(), SendError> {
        let properties = &handles.hardware_info;
        properties
            .set(hardware_info::CpuArchitecture, std::env::consts::ARCH)
            .await?;
        match &self.cpu_model {
            Some(model) => properties.set(hardware_info::CpuModel, model).await?,
            None => properties.unset(hardware_info::CpuModel).await?,
        };
        let cores = i32::try_from(self.cores).unwrap_or(i32::MAX);
        properties.set(hardware_info::CpuCores, cores).await?;
        properties
            .set(hardware_info::MemoryTotalBytes, self.memory)
            .await?;
        Ok(())
    }
}

/// `MemTotal:  16281748 kB`, in bytes.
fn total_memory(meminfo: &str) -> Option<i64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// `model name : ...` on x86, `Model : ...` on some ARM boards.
fn cpu_model(cpuinfo: &str) -> Option<String> {
    let entries = cpuinfo.lines().filter_map(|line| line.split_once(':'));
    let (_, model) = entries
        .into_iter()
        .find(|(key, _)| key.trim().eq_ignore_ascii_case("model name") || key.trim() == "Model")?;
    Some(model.trim().to_owned()).filter(|model| !model.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells_is_read() {
        assert_eq!(
            total_memory("MemTotal:       2048 kB\nMemFree: 1 kB\n"),
            Some(2_097_152)
        );
        assert_eq!(total_memory("MemFree: 1 kB\n"), None);
        let x86 = "processor\t: 0\nmodel\t\t: 1\nmodel name\t: Example 9000\n";
        assert_eq!(cpu_model(x86).as_deref(), Some("Example 9000"));
        assert_eq!(
            cpu_model("processor : 0\nModel : Board 4\n").as_deref(),
            Some("Board 4")
        );
        assert_eq!(cpu_model("processor : 0\n"), None);
    }
}
