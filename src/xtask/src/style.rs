//! One style sheet out of the files in `style/`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result, bail};

/// Joins `style/**/*.css`: the tokens first, then by path.
///
/// The order decides nothing else: which rule wins is said by the cascade
/// layers, and their order by the first `@layer` statement of `tokens.css`.
pub fn bundle() -> Result<String> {
    let mut files = Vec::new();
    collect(Path::new("style"), &mut files).context("style/ cannot be read")?;
    files.sort_by_key(|path| (path != Path::new("style/tokens.css"), path.clone()));
    let mut joined = String::new();
    for path in files {
        let sheet = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        if sheet.lines().any(|line| line.trim_start().starts_with("@import")) {
            bail!("{} has an @import; leave it out, every file in style/ is joined", path.display());
        }
        joined.push_str(sheet.trim());
        joined.push('\n');
    }
    Ok(joined)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "css") {
            files.push(path);
        }
    }
    Ok(())
}
