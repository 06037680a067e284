//! A small file system that can be full.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// A file system in memory; taken down when dropped.
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// One of so many MiB.
    ///
    /// # Errors
    /// When the system does not let this user mount one.
    pub fn of_mebibytes(size: u32) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = format!("size={size}m,mode=1777");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(folder.path()).output();
        let mounted = mounted.map_err(|error| format!("mount: {error}"))?;
        match mounted.status.success() {
            true => Ok(Self { folder }),
            false => Err(String::from_utf8_lossy(&mounted.stderr).trim().to_owned()),
        }
    }

    /// Its root.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes until nothing more fits.
    ///
    /// # Panics
    /// When it cannot be written to at all.
    pub fn fill(&self) {
        let mut file = std::fs::File::create(self.filling()).expect("it is ours");
        let block = [1; 4096];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
    }

    /// Makes room again.
    ///
    /// # Panics
    /// When it was not full.
    pub fn free(&self) {
        std::fs::remove_file(self.filling()).expect("it was filled");
    }

    /// Lets nobody write, or everybody again. Nobody may have a file open for writing.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_read_only(&self, is_read_only: bool) -> Result<(), String> {
        let how = if is_read_only { "remount,ro" } else { "remount,rw" };
        let mounted = Command::new("mount").args(["-o", how]).arg(self.folder.path()).output();
        let mounted = mounted.map_err(|error| format!("mount: {error}"))?;
        match mounted.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&mounted.stderr).trim().to_owned()),
        }
    }

    fn filling(&self) -> PathBuf {
        self.folder.path().join("filling")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that is just ending may still have a file open.
        let gone = Command::new("umount").arg("-l").arg(self.folder.path()).stderr(Stdio::null()).status();
        if !gone.is_ok_and(|status| status.success()) {
            eprintln!("a small file system was left behind at {}", self.folder.path().display());
        }
    }
}
