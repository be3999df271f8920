//! An estate, a fleet file for it, and a store: what a run of the engine needs.

use std::{sync::atomic::AtomicBool, time::Duration};

use atl_fleet::{
    ConnectionOptions, Environment, FleetFile, Needs, Plan, PlanOptions, Ready, RunInfo,
    RunOptions, Select, look,
};
use atl_store::{Holder, KeySource, Store, StoreUrl};
use atl_testbed::{ADMIN_PASSWORD, Estate, ServerSpec};
use tempfile::TempDir;

pub(crate) struct Rig {
    pub(crate) estate: Estate,
    folder: TempDir,
}

impl Rig {
    pub(crate) fn new(specs: Vec<ServerSpec>) -> Self {
        let rig = Self {
            estate: Estate::start(specs).unwrap(),
            folder: TempDir::new().unwrap(),
        };
        rig.write_fleet(&rig.estate.fleet_yaml());
        if let Some(ca) = rig.estate.ca_pem() {
            fs_err::write(rig.folder.path().join("estate-ca.pem"), ca).unwrap();
        }
        rig
    }

    pub(crate) fn write_fleet(&self, text: &str) {
        fs_err::write(self.folder.path().join("fleet.yaml"), text).unwrap();
    }

    pub(crate) fn ready(&self) -> Ready {
        let environment = Environment {
            var: &|name| (name == "ATL_ADMIN_PASSWORD").then(|| ADMIN_PASSWORD.to_owned()),
            command: None,
            keyring: None,
        };
        let file = FleetFile::read(&self.folder.path().join("fleet.yaml"), &environment).unwrap();
        let needs = Needs {
            admin: true,
            ..Needs::default()
        };
        let connection = ConnectionOptions {
            timeout: Duration::from_secs(10),
            allow_http: false,
        };
        file.ready(&Select::default(), &needs, &environment, connection)
            .unwrap()
    }

    pub(crate) fn store(&self) -> Store {
        let url = StoreUrl::Sqlite(self.folder.path().join("store.db"));
        let key = KeySource::File(self.folder.path().join("store.key"));
        let holder = Holder {
            user: "tester".to_owned(),
            host: "here".to_owned(),
            command: "apply".to_owned(),
        };
        Store::open(&url, &key, holder).unwrap()
    }

    pub(crate) fn plan(&self, options: &PlanOptions) -> Plan {
        let (ready, store) = (self.ready(), self.store());
        look(&ready, Some(&store), options, run(&AtomicBool::new(false)))
            .unwrap()
            .plan
    }

    pub(crate) fn apply(&self, options: &PlanOptions) -> Plan {
        let (ready, store) = (self.ready(), self.store());
        let interrupted = AtomicBool::new(false);
        let looked = look(&ready, Some(&store), options, run(&interrupted)).unwrap();
        let info = RunInfo {
            run: "run".to_owned(),
            command: "apply".to_owned(),
            os_user: "tester".to_owned(),
            host: "here".to_owned(),
        };
        looked.apply(&info, run(&interrupted)).unwrap()
    }
}

fn run(interrupted: &AtomicBool) -> RunOptions<'_> {
    RunOptions {
        parallel: 4,
        settle: Duration::from_secs(10),
        interrupted,
        sink: &|_| {},
    }
}
