//! The files of the project.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Paths below the root with `/`, sorted: what git knows or would take, or else everything that is not built.
pub(crate) fn files() -> Vec<String> {
    let mut files = from_git().unwrap_or_else(|| {
        let mut found = Vec::new();
        walk(root(), &mut found);
        found
    });
    files.retain(|path| root().join(path).is_file());
    files.sort();
    files.dedup();
    assert!(
        files.iter().any(|path| path == "Cargo.toml"),
        "the files were not found: {files:?}"
    );
    files
}

/// The text of every file that is text.
pub(crate) fn texts() -> impl Iterator<Item = (String, String)> {
    files().into_iter().filter_map(|path| {
        let text = String::from_utf8(fs_err::read(root().join(&path)).unwrap()).ok()?;
        Some((path, text))
    })
}

fn from_git() -> Option<Vec<String>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .ok()?;
    let listed = String::from_utf8(output.stdout).ok()?;
    let files: Vec<_> = listed
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
        .collect();
    (output.status.success() && !files.is_empty()).then_some(files)
}

fn walk(folder: &Path, found: &mut Vec<String>) {
    for entry in fs_err::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_file() {
            let below = path.strip_prefix(root()).unwrap();
            found.push(below.to_string_lossy().replace('\\', "/"));
        } else if !["target", ".git", ".tools"].contains(&&*name) {
            walk(&path, found);
        }
    }
}
