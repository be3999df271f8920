//! An estate, a fleet file for it, and a store: what a run of the engine needs.

use std::{path::PathBuf, sync::atomic::AtomicBool, time::Duration};

use atl_fleet::{
    Change, ConnectionOptions, Environment, FleetFile, Kind, Needs, Plan, PlanOptions, Ready,
    RunInfo, RunOptions, Select, ServerPlan, look,
};
use atl_store::{Holder, KeySource, KeypairRow, Store, StoreUrl};
use atl_testbed::{ADMIN_PASSWORD, Estate, Exchange, Server, ServerSpec};
use tempfile::TempDir;

/// The application URL of the estate's consumer, `deploy-bot`.
pub(crate) const DEPLOY: &str = "https://deploy.example.com";

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
        // Small keys are made sooner.
        let fleet = rig.estate.fleet_yaml();
        rig.write_fleet(&format!("{fleet}    keypair: {{ bits: 2048 }}\n"));
        if let Some(ca) = rig.estate.ca_pem() {
            fs_err::write(rig.folder.path().join("estate-ca.pem"), ca).unwrap();
        }
        rig
    }

    /// One Jira of the current generation.
    pub(crate) fn jira() -> Self {
        Self::new(vec![ServerSpec::new(atl_testbed::Kind::Jira)])
    }

    pub(crate) fn server(&self) -> &Server {
        self.estate.server(0)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write_fleet(&self, text: &str) {
        fs_err::write(self.path("fleet.yaml"), text).unwrap();
    }

    /// Replaces the consumers of the fleet file.
    pub(crate) fn consumers(&self, consumers: &str) {
        let fleet = self.estate.fleet_yaml();
        let (servers, _) = fleet.split_once("consumers:").unwrap();
        self.write_fleet(&format!("{servers}consumers:\n{consumers}"));
    }

    /// The one consumer of the fleet file, with these lines added.
    pub(crate) fn deploy_bot(&self, lines: &str) {
        self.consumers(&format!(
            "  deploy-bot:\n    name: Deploy bot\n    url: {DEPLOY}\n    callback: {DEPLOY}/oauth/callback\n{lines}"
        ));
    }

    /// Lets another account administer the servers.
    pub(crate) fn administer_as(&self, user: &str, password: &str) {
        let fleet = fs_err::read_to_string(self.path("fleet.yaml")).unwrap();
        self.write_fleet(
            &fleet
                .replace("username: admin", &format!("username: {user}"))
                .replace("${env:ATL_ADMIN_PASSWORD}", password),
        );
    }

    pub(crate) fn ready(&self) -> Ready {
        let environment = Environment {
            var: &|name| (name == "ATL_ADMIN_PASSWORD").then(|| ADMIN_PASSWORD.to_owned()),
            command: None,
            keyring: None,
        };
        let file = FleetFile::read(&self.path("fleet.yaml"), &environment).unwrap();
        let needs = Needs {
            admin: true,
            ..Needs::default()
        };
        let connection = ConnectionOptions {
            timeout: Duration::from_secs(10),
            allow_http: false,
        };
        file.ready(&Select::default(), needs, &environment, connection)
            .unwrap()
    }

    pub(crate) fn store(&self) -> Store {
        self.store_named("store.db")
    }

    pub(crate) fn store_named(&self, name: &str) -> Store {
        let url = StoreUrl::Sqlite(self.path(name));
        let key = KeySource::File(self.path("store.key"));
        let holder = Holder {
            user: "tester".to_owned(),
            host: "here".to_owned(),
            command: "apply".to_owned(),
        };
        Store::open(&url, &key, holder).unwrap()
    }

    /// The keypairs of `deploy-bot` in the store, oldest first.
    pub(crate) fn keypairs(&self) -> Vec<KeypairRow> {
        self.store().keypairs().unwrap()
    }

    pub(crate) fn plan(&self, options: &PlanOptions) -> Plan {
        let (ready, store) = (self.ready(), self.store());
        look(&ready, Some(&store), options, run(&AtomicBool::new(false)))
            .unwrap()
            .plan
    }

    pub(crate) fn apply(&self, options: &PlanOptions) -> Plan {
        self.apply_settling(options, Duration::from_secs(10))
    }

    /// Applies, and asks again after a refusal for so long only.
    pub(crate) fn apply_settling(&self, options: &PlanOptions, settle: Duration) -> Plan {
        let interrupted = AtomicBool::new(false);
        let options_of_run = RunOptions {
            settle,
            ..run(&interrupted)
        };
        self.apply_run(&self.store(), options, options_of_run)
    }

    pub(crate) fn apply_run(
        &self,
        store: &Store,
        options: &PlanOptions,
        run: RunOptions<'_>,
    ) -> Plan {
        let looked = look(&self.ready(), Some(store), options, run)
            .unwrap()
            .apply(&info(), run);
        looked.unwrap()
    }

    /// Applies with nothing allowed beyond what needs no flag; every change must be made and proven.
    pub(crate) fn provision(&self) -> Plan {
        let plan = self.apply(&PlanOptions::default());
        for server in &plan.servers {
            assert_eq!(server.error, None, "{plan:#?}");
        }
        plan
    }

    /// Nothing is left to do: no change is planned, and no server is in trouble.
    pub(crate) fn assert_settled(&self) {
        let plan = self.plan(&PlanOptions::default());
        for server in &plan.servers {
            assert_eq!(server.error, None, "{plan:#?}");
            assert!(!server.has_changes(), "{plan:#?}");
        }
        assert_eq!(self.store().open_steps().unwrap(), []);
    }
}

pub(crate) fn info() -> RunInfo {
    RunInfo {
        run: "run".to_owned(),
        command: "apply".to_owned(),
        os_user: "tester".to_owned(),
        host: "here".to_owned(),
    }
}

pub(crate) fn run(interrupted: &AtomicBool) -> RunOptions<'_> {
    RunOptions {
        parallel: 4,
        settle: Duration::from_secs(10),
        interrupted,
        sink: &|_| {},
    }
}

/// The code of a server's error.
pub(crate) fn code(plan: &ServerPlan) -> Option<&str> {
    plan.error.as_ref().map(|error| error.code.as_str())
}

/// The first change of a kind.
pub(crate) fn change(plan: &ServerPlan, kind: Kind) -> &Change {
    let found = plan.changes.iter().find(|change| change.kind == kind);
    found.unwrap_or_else(|| panic!("no change of {kind:?} in {plan:#?}"))
}

/// The names of the fields that differ.
pub(crate) fn fields(change: &Change) -> Vec<&str> {
    let fields = change.fields.iter();
    fields.map(|field| field.path.as_str()).collect()
}

/// The requests to change something, as method and path, links and ids left out.
pub(crate) fn writes(server: &Server) -> Vec<String> {
    let log = server.log();
    let line = |exchange: &Exchange| {
        let path = exchange.path.rsplit('/').next().unwrap_or_default();
        format!("{} {path}", exchange.method)
    };
    log.iter()
        .filter(|exchange| exchange.is_write())
        .map(line)
        .collect()
}
