//! `schema`

use crate::env::Env;

#[test]
fn prints_the_schema_of_the_fleet_file() {
    let env = Env::new();
    let schema = env.run("schema").json();
    for key in ["version", "defaults", "servers", "consumers"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
    assert_eq!(env.run("schema -o json").json(), schema);
}
