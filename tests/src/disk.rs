//! A small file system that can be full, or whose files can become read-only.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// A file system in memory, or in a file; taken down when dropped.
pub struct SmallDisk {
    mounted: PathBuf,
    /// Where it is mounted, and the file that it may be in.
    _folder: TempDir,
}

impl SmallDisk {
    /// One of so many MiB.
    ///
    /// # Errors
    /// When the system does not let this user mount one.
    pub fn of_mebibytes(size: u32) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = format!("size={size}m,mode=1777");
        let mounted = folder.path().to_owned();
        done(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(&mounted))?;
        Ok(Self { mounted, _folder: folder })
    }

    /// One of so many MiB that is an ext4 of its own: unlike one in memory it keeps a process from writing to a file that it has
    /// open, once the file has become immutable.
    ///
    /// # Errors
    /// When the system does not let this user make one, or make a file on it immutable.
    pub fn ext4_of_mebibytes(size: u32) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (image, mounted) = (folder.path().join("image"), folder.path().join("mounted"));
        let made = std::fs::File::create(&image).and_then(|it| it.set_len(u64::from(size) << 20));
        made.and_then(|()| std::fs::create_dir(&mounted)).expect("the folder is writable");
        done(Command::new("mkfs.ext4").arg("-q").arg(&image))?;
        done(Command::new("mount").args(["-o", "loop"]).args([&image, &mounted]))?;
        let disk = Self { mounted, _folder: folder };
        let trial = disk.filling();
        let mut file = std::fs::File::create(&trial).map_err(|error| error.to_string())?;
        set_immutable(&[&trial], true)?;
        let written = std::io::Write::write(&mut file, &[1]);
        set_immutable(&[&trial], false)?;
        match written {
            Ok(_) => Err("an immutable file is written to".to_owned()),
            Err(_) => Ok(disk),
        }
    }

    /// Its root.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.mounted
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
        done(Command::new("mount").args(["-o", how]).arg(&self.mounted))
    }

    fn filling(&self) -> PathBuf {
        self.mounted.join("filling")
    }
}

/// Lets nobody write to these files any more, whoever has them open, or everybody again.
///
/// # Errors
/// What the system says.
pub fn set_immutable(files: &[&Path], is_immutable: bool) -> Result<(), String> {
    done(Command::new("chattr").arg(if is_immutable { "+i" } else { "-i" }).args(files))
}

/// Runs a program to its end.
fn done(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that is just ending may still have a file open.
        let gone = Command::new("umount").arg("-l").arg(&self.mounted).stderr(Stdio::null()).status();
        if !gone.is_ok_and(|status| status.success()) {
            eprintln!("a small file system was left behind at {}", self.mounted.display());
        }
    }
}
