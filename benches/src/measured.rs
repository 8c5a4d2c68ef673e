//! What criterion has measured, read back from its own files.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::Value;

/// The results of one run.
#[derive(Clone, Debug)]
pub struct Measured {
    directory: PathBuf,
    /// Results of an earlier run, perhaps of other code, do not count.
    since: SystemTime,
}

impl Measured {
    /// The results of the run that begins now.
    pub fn from_now() -> Self {
        Self { directory: directory(), since: SystemTime::now() }
    }

    /// The throughput of one benchmark in GiB/s, by its median; `None` if it was not measured.
    pub fn gib_per_second(&self, group: &str, function: &str, value: &str) -> Option<f64> {
        const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
        let benchmark = [group, function, value].map(|part| part.replace('/', "_"));
        let result = self.directory.join(benchmark.iter().collect::<PathBuf>()).join("new");
        let nanoseconds =
            self.read(&result.join("estimates.json"))?["median"]["point_estimate"].as_f64()?;
        let bytes = self.read(&result.join("benchmark.json"))?["throughput"]["Bytes"].as_f64()?;
        Some(bytes / GIB / (nanoseconds / 1e9))
    }

    fn read(&self, file: &Path) -> Option<Value> {
        let written = fs::metadata(file).ok()?.modified().ok()?;
        let text = fs::read(file).ok().filter(|_| written >= self.since)?;
        serde_json::from_slice(&text).ok()
    }
}

/// Where criterion writes: beside `release/deps`, in which the benchmark itself lies.
fn directory() -> PathBuf {
    if let Some(home) = env::var_os("CRITERION_HOME") {
        return home.into();
    }
    let executable = env::current_exe().unwrap_or_default();
    executable.ancestors().nth(3).unwrap_or(Path::new("target")).join("criterion")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_results_of_this_run_are_read() {
        let directory = env::temp_dir().join(format!("farpipe-measured-{}", std::process::id()));
        let result = directory.join("framing_short/farpipe/8KiB/new");
        fs::create_dir_all(&result).unwrap();
        fs::write(result.join("estimates.json"), r#"{"median":{"point_estimate":5e8}}"#).unwrap();
        fs::write(result.join("benchmark.json"), r#"{"throughput":{"Bytes":2147483648}}"#).unwrap();

        let long_ago = SystemTime::now() - Duration::from_secs(60);
        let mut measured = Measured { directory: directory.clone(), since: long_ago };
        let read = |measured: &Measured, function| {
            measured.gib_per_second("framing/short", function, "8KiB")
        };
        assert_eq!(read(&measured, "farpipe"), Some(4.0));
        assert_eq!(read(&measured, "naive"), None);
        measured.since = SystemTime::now() + Duration::from_secs(60);
        assert_eq!(read(&measured, "farpipe"), None);
        fs::remove_dir_all(directory).unwrap();
    }
}
