//! Whether the tests with real servers run at all.

use anyhow::bail;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// Install what is missing, then run.
    Install,
    /// Leave these tests out.
    Skip,
}

/// Decides from the values of `FARPIPE_PEERS` and `CI`.
pub(super) fn decide(wish: Option<&str>, ci: Option<&str>) -> anyhow::Result<Policy> {
    match wish {
        None | Some("" | "on") => Ok(Policy::Install),
        Some("off") if ci == Some("true") => {
            bail!("FARPIPE_PEERS=off is refused where CI=true: unset one of the two")
        }
        Some("off") => Ok(Policy::Skip),
        Some(other) => bail!("FARPIPE_PEERS is `{other}`: set it to `on` or `off`, or unset it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_servers_are_the_default() {
        for wish in [None, Some(""), Some("on")] {
            for ci in [None, Some("true"), Some("false")] {
                assert_eq!(decide(wish, ci).expect("a decision"), Policy::Install);
            }
        }
    }

    #[test]
    fn off_leaves_them_out_on_a_workstation() {
        for ci in [None, Some(""), Some("false")] {
            assert_eq!(decide(Some("off"), ci).expect("a decision"), Policy::Skip);
        }
    }

    #[test]
    fn off_is_refused_in_ci() {
        let refusal = decide(Some("off"), Some("true")).expect_err("a refusal").to_string();
        assert!(refusal.contains("refused"), "{refusal}");
    }

    #[test]
    fn a_misspelt_wish_is_refused() {
        let refusal = decide(Some("of"), None).expect_err("a refusal").to_string();
        assert!(refusal.contains("`of`"), "{refusal}");
    }
}
