//! A sweep in a folder: `sweep.json` says what is searched, `trials/00007.json` what came of a trial.
//!
//! Every file is written under another name first and then renamed, so that it is whole or not there, whenever the
//! program is killed. A trial is written as it starts and as it ends; one that only started is started anew.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use experiment::RunKey;
use pipeline::Pipeline;
use serde::{Deserialize, Serialize};
use study::{Study, Trial};

use crate::record;

const FORMAT: u32 = 1;
const SWEEP: &str = "sweep.json";
const TRIALS: &str = "trials";

/// Where a sweep is kept.
pub struct Kept {
    folder: PathBuf,
    identity: Identity,
}

/// What a sweep is called where its trials are recorded.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Identity {
    /// Tells it from every other sweep.
    pub id: String,
    /// When it began, in milliseconds since 1970.
    pub began_at: u64,
}

impl Identity {
    /// Of a sweep that begins now.
    pub fn new() -> Self {
        let began_at = record::now_millis();
        Self { id: RunKey::at(began_at, std::process::id()).as_str().into(), began_at }
    }

    /// Where its trials are recorded, and how to see them.
    pub fn recorded_in(&self, folder: &Path) -> String {
        let folder = folder.display();
        format!("every trial is recorded in {folder}: millrace runs {folder} --query \"sweep = {}\"\n", self.id)
    }
}

/// The file `sweep.json`.
#[derive(Serialize, Deserialize)]
struct SweepFile {
    format: u32,
    /// BLAKE3 of the pipeline's file.
    pipeline: String,
    /// Without its trials.
    study: Study,
    #[serde(default)]
    identity: Identity,
}

impl Kept {
    /// Opens a folder for a sweep. To resume, it must hold the same one, and its trials enter the study.
    pub fn open(folder: &Path, resume: bool, pipeline: &Pipeline, study: &mut Study) -> Result<Self> {
        let mut kept = Self { folder: folder.to_owned(), identity: Identity::new() };
        let path = folder.join(SWEEP);
        let hash = blake3::hash(pipeline::to_json(pipeline).as_bytes()).to_hex().to_string();
        let mut here =
            SweepFile { format: FORMAT, pipeline: hash, study: study.clone(), identity: kept.identity.clone() };
        match fs::read_to_string(&path) {
            Ok(text) if resume => {
                let there: SweepFile = serde_json::from_str(&text)
                    .with_context(|| format!("{} is no sweep that this version can read", path.display()))?;
                same(&there, &here).map_err(|message| anyhow!("{}: {message}", path.display()))?;
                if !there.identity.id.is_empty() {
                    here.identity = there.identity;
                    kept.identity = here.identity.clone();
                }
                study.trials = kept.trials()?;
                study.interrupt();
                let ends = study.trials.iter().filter_map(|trial| Some(trial.started_secs? + trial.elapsed_secs?));
                study.elapsed_secs = ends.fold(0.0, f64::max);
            }
            Ok(_) => bail!(
                "{} holds a sweep already\n  help: go on with it by --resume, or name another folder",
                folder.display()
            ),
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be read", path.display()));
            }
            Err(_) if resume => bail!("{} holds no sweep to resume\n  help: leave --resume out", folder.display()),
            Err(_) => {}
        }
        let trials = folder.join(TRIALS);
        fs::create_dir_all(&trials).with_context(|| format!("{} cannot be made", trials.display()))?;
        write(&path, &here)?;
        Ok(kept)
    }

    /// What it is called.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Writes a trial as it stands.
    pub fn write(&self, trial: &Trial) -> Result<()> {
        write(&self.folder.join(TRIALS).join(format!("{:05}.json", trial.number)), trial)
    }

    /// Every trial up to the first that is not there.
    fn trials(&self) -> Result<Vec<Trial>> {
        let mut trials = Vec::new();
        loop {
            let number = trials.len();
            let path = self.folder.join(TRIALS).join(format!("{number:05}.json"));
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(trials),
                Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
            };
            let trial: Trial = serde_json::from_str(&text)
                .with_context(|| format!("{} is no trial; delete it, and it is made anew", path.display()))?;
            if trial.number as usize != number {
                bail!("{} is trial {}; give it back its name", path.display(), trial.number);
            }
            trials.push(trial);
        }
    }
}

/// Whether two sweeps are one; it may have other limits.
fn same(there: &SweepFile, here: &SweepFile) -> Result<(), String> {
    if there.format > FORMAT {
        return Err(format!("it is of format {}, and this version reads up to {FORMAT}", there.format));
    }
    let other = |what: &str| {
        Err(format!("it is a sweep with another {what}\n  help: give the same one, or name another folder by --out"))
    };
    let (old, new) = (&there.study, &here.study);
    if there.pipeline != here.pipeline {
        return other("pipeline");
    }
    if old.space != new.space {
        return other("search space");
    }
    if old.objectives != new.objectives {
        return other("objective");
    }
    if old.sampling != new.sampling {
        return other("sampling algorithm");
    }
    if old.early_termination != new.early_termination {
        return other("early termination");
    }
    // It says which trials a trial may look at, and so what each one tries.
    if old.n_concurrent() != new.n_concurrent() && (old.is_adaptive() || new.is_adaptive()) {
        return other("limit of concurrent trials");
    }
    Ok(())
}

fn write(path: &Path, content: &impl Serialize) -> Result<()> {
    let unfinished = path.with_extension("json.part");
    let mut bytes = serde_json::to_vec_pretty(content).context("the sweep does not turn into JSON")?;
    bytes.push(b'\n');
    let written = fs::File::create(&unfinished)
        .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&unfinished, path));
    written.with_context(|| format!("{} cannot be written", path.display()))
}
