//! What is new in a study, for those who follow it: an engine that is asked about it, a place where it is kept.
//!
//! A study of a thousand trials is the same as before but for one of them. Whoever changes it keeps a [`Journal`], and
//! tells a follower what changed since it was last told.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Study, Trial};

/// Which trials of a study changed, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    study_id: u32,
    changed: Vec<u32>,
}

/// What changed in a study from one place of its journal to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct News {
    /// Tells studies apart.
    study_id: u32,
    /// Who knows the study up to here understands this; 0 is for everybody.
    since: usize,
    /// Who has taken this in knows the study up to here.
    until: usize,
    /// Everything but the trials, as it stands.
    head: Study,
    /// The trials that changed or came, by number.
    trials: Vec<Trial>,
}

/// A study as somebody knows it who follows its news.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    study_id: u32,
    until: usize,
    /// As far as it was told.
    pub study: Study,
}

impl Journal {
    /// Of a study with these trials, which nobody knows yet. `study_id` differs from those of all others that the followers have heard of.
    pub fn new(study_id: u32, trials: &[Trial]) -> Self {
        Self { study_id, changed: trials.iter().map(|trial| trial.number).collect() }
    }

    /// What tells its study apart.
    pub fn study_id(&self) -> u32 {
        self.study_id
    }

    /// Takes down that a trial changed or came.
    pub fn note(&mut self, number: u32) {
        self.changed.push(number);
    }

    /// Where it ends for now.
    pub fn end(&self) -> usize {
        // From 1, as 0 is for those who know nothing, and a study without trials can be known, too.
        self.changed.len() + 1
    }

    /// What is new to those who know the study up to a place; all of it at 0.
    pub fn news(&self, study: &Study, since: usize) -> News {
        let unread = self.changed.get(since.saturating_sub(1)..).unwrap_or_default();
        let numbers: BTreeSet<u32> = unread.iter().copied().collect();
        let trials = numbers.into_iter().filter_map(|number| study.trials.get(number as usize)).cloned().collect();
        News { study_id: self.study_id, since, until: self.end(), head: study.head(), trials }
    }
}

impl News {
    /// All of a study that nobody follows.
    pub fn of_all(study: &Study) -> Self {
        Journal::new(0, &study.trials).news(study, 0)
    }

    /// Whether they can be understood without knowing anything.
    pub fn is_all(&self) -> bool {
        self.since == 0
    }

    /// Who has taken this in knows the study up to here.
    pub fn until(&self) -> usize {
        self.until
    }

    /// Everything but the trials, and those that changed or came.
    pub fn into_parts(self) -> (Study, Vec<Trial>) {
        (self.head, self.trials)
    }
}

impl Known {
    /// Begins to follow a study; none if the news are not all there is to know.
    pub fn begin(news: News) -> Option<Self> {
        let News { study_id, since, until, head, trials } = news;
        (since == 0).then_some(Self { study_id, until, study: Study { trials, ..head } })
    }

    /// Takes news in, and says whether they were understood: they may be of another study, or build upon something that
    /// was never heard here.
    pub fn hear(&mut self, news: News) -> bool {
        if news.since == 0 || news.study_id != self.study_id || news.since > self.until {
            return false;
        }
        let mut trials = std::mem::take(&mut self.study.trials);
        for trial in news.trials {
            match trials.get_mut(trial.number as usize) {
                Some(known) => *known = trial,
                // By number, and none is left out: the next one.
                None => trials.push(trial),
            }
        }
        self.study = Study { trials, ..news.head };
        self.until = self.until.max(news.until);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Goal, Objective, Settings, Space, TrialState};

    fn study(n_trials: u32) -> Study {
        let aim = Objective { metric: "auc".into(), goal: Goal::Maximize };
        let mut study = Study::new("sweep", Space { dimensions: Vec::new() }, vec![aim]);
        (0..n_trials).for_each(|_| _ = study.plan(Settings::new()));
        study
    }

    #[test]
    fn whoever_follows_the_news_knows_the_study_however_seldom_it_hears_them() {
        let mut study = study(3);
        let mut journal = Journal::new(7, &study.trials);
        let mut often = Known::begin(journal.news(&study, 0)).unwrap();
        let mut seldom = often.clone();
        for step in 0..40 {
            let number = match step % 3 {
                0 => study.plan(Settings::new()),
                _ => (step * 7) % study.trials.len() as u32,
            };
            study.trials[number as usize].intermediate.push(f64::from(step));
            study.elapsed_secs += 1.0;
            journal.note(number);
            assert!(often.hear(journal.news(&study, often.until)));
            assert_eq!(often.study, study);
            if step % 11 == 10 {
                assert!(seldom.hear(journal.news(&study, seldom.until)));
                assert_eq!(seldom.study, study);
            }
        }
    }

    #[test]
    fn news_hold_what_changed_and_no_more() {
        let mut study = study(1_000);
        let mut journal = Journal::new(7, &study.trials);
        let known_until = journal.end();
        study.start(3, None, 0.0).unwrap();
        journal.note(3);
        study.end(3, TrialState::Failed, "no reason").unwrap();
        journal.note(3);
        let (head, trials) = journal.news(&study, known_until).into_parts();
        assert_eq!((head.trials.len(), trials), (0, vec![study.trials[3].clone()]));
        assert_eq!(journal.news(&study, journal.end()).into_parts().1, []);
    }

    #[test]
    fn news_that_were_heard_before_do_no_harm() {
        let mut study = study(2);
        let mut journal = Journal::new(7, &study.trials);
        let mut known = Known::begin(journal.news(&study, 0)).unwrap();
        let before = known.until;
        study.plan(Settings::new());
        journal.note(2);
        let news = journal.news(&study, before);
        assert!(known.hear(news.clone()) && known.hear(news));
        assert_eq!(known.study, study);
    }

    #[test]
    fn news_of_another_study_or_without_what_came_before_are_not_understood() {
        let study = study(2);
        let mut journal = Journal::new(7, &study.trials);
        let mut known = Known::begin(journal.news(&study, 0)).unwrap();
        assert!(!known.hear(Journal::new(8, &study.trials).news(&study, 1)));
        journal.note(0);
        let missed = journal.end();
        journal.note(1);
        assert!(!known.hear(journal.news(&study, missed)));
        assert_eq!(Known::begin(journal.news(&study, missed)), None);
    }
}
