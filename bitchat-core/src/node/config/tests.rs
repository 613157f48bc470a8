use super::*;

#[test]
fn the_defaults_are_valid_and_every_wrong_setting_is_named() {
    assert_eq!(Config::default().check(), Ok(()));
    type Spoil = fn(&mut Config);
    let wrong: [(&str, Spoil); 5] = [
        ("families", |config| config.families = Families { v4: false, v6: false }),
        ("rekey_interval", |config| config.rekey_interval = Duration::from_secs(121)),
        ("keepalive", |config| config.keepalive = Duration::ZERO),
        ("idle_timeout", |config| config.idle_timeout = Duration::from_secs(30)),
        ("limits", |config| config.limits.node.links = 0),
    ];
    for (name, spoil) in wrong {
        let mut config = Config::default();
        spoil(&mut config);
        let error = config.check().unwrap_err();
        assert!(error.to_string().starts_with(name), "{error}");
    }
}

#[test]
fn a_back_end_is_refused_where_it_is_not_compiled_in() {
    let of = |crypto| Config { crypto, ..Config::default() }.check();
    assert_eq!(of(Backend::RustCrypto), Ok(()));
    assert_eq!(of(Backend::AwsLc).is_ok(), cfg!(feature = "aws-lc-rs"));
    if let Err(error) = of(Backend::AwsLc) {
        assert!(error.to_string().starts_with("crypto"), "{error}");
    }
}
