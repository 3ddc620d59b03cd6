//! Finds the machine and the batch job of a run, for its run record.

use crate::io::text::is_interpreted;

/// The variables in which batch systems pass the job ID, and the number of the task within a job array.
const JOBS: [(&str, &str, &str); 6] = [
    ("slurm", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"),
    ("slurm", "SLURM_JOB_ID", ""),
    ("pbs", "PBS_JOBID", "PBS_ARRAY_INDEX"),
    ("lsf", "LSB_JOBID", "LSB_JOBINDEX"),
    ("sge", "JOB_ID", "SGE_TASK_ID"),
    ("kubernetes", "HOSTNAME", "JOB_COMPLETION_INDEX"),
];

/// Maximum length of a recorded name, in bytes.
const MAX_NAME: usize = 256;

/// Returns the name of the machine, if it is known.
pub(super) fn host_name() -> Option<String> {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_str().ok().map(str::to_owned);
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").ok();
    name.filter(|name| is_name(name))
}

/// Returns the batch system and the ID of the job that this process belongs to, for example `slurm 4711_3`.
pub(super) fn batch_job() -> Option<String> {
    job(|variable| std::env::var(variable).ok().filter(|value| is_name(value)))
}

fn job(value: impl Fn(&str) -> Option<String>) -> Option<String> {
    JOBS.iter().find_map(|(system, job, task)| match (value(job), value(task)) {
        (Some(job), Some(task)) if task != "undefined" => Some(format!("{system} {job}_{task}")),
        // The variables of Kubernetes and SGE have generic names, so they identify a job only together with the task.
        (Some(job), _) if !["kubernetes", "sge"].contains(system) => {
            Some(format!("{system} {job}"))
        }
        _ => None,
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME && !name.contains(is_interpreted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_job_has_array_task() {
        let job = |variables: &[(&str, &str)]| {
            job(|name| Some(variables.iter().find(|(known, _)| *known == name)?.1.to_owned()))
        };
        let slurm = [("SLURM_JOB_ID", "12")];
        assert_eq!(job(&slurm).unwrap(), "slurm 12");
        let array = [slurm[0], ("SLURM_ARRAY_JOB_ID", "9"), ("SLURM_ARRAY_TASK_ID", "3")];
        assert_eq!(job(&array).unwrap(), "slurm 9_3");
        assert_eq!(job(&[("JOB_ID", "5"), ("SGE_TASK_ID", "2")]).unwrap(), "sge 5_2");
        assert_eq!(job(&[("HOSTNAME", "pc"), ("JOB_ID", "5"), ("SGE_TASK_ID", "undefined")]), None);
    }

    #[test]
    fn unprintable_names_are_not_recorded() {
        assert!(is_name("Größe 1") && !is_name("a\u{202e}") && !is_name("a\u{1b}"));
    }
}
