//! The command line.

use ipse::config;
use ipse::presentation::cli;

#[test]
fn the_help_of_config_lists_every_setting() {
    let Err(help) = cli::command(config::reference()).try_get_matches_from(["ipse", "config", "--help"]) else {
        panic!("help is not a command");
    };
    let help = help.to_string();
    for setting in config::settings() {
        assert!(help.contains(&format!("  {}", setting.variable())), "{}", setting.key);
        assert!(help.contains(setting.meaning), "{}", setting.key);
    }
    assert!(help.contains("From 1m to 60m. Default: 15m."), "{help}");
    assert!(help.contains("Default: false. With --dev: true."), "{help}");
}
