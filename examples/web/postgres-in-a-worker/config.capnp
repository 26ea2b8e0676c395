using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    # Where connect() may go: here, addresses of this machine and its network.
    (name = "internet", network = (allow = ["private", "local"])),
  ],
  sockets = [(name = "http", http = (), service = "main")],
);

const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ["nodejs_compat"],  # for the client library, not for TLS
  bindings = [
    (name = "DATABASE", fromEnvironment = "DATABASE"),
    (name = "CLIENT_KEY", fromEnvironment = "CLIENT_KEY"),
  ],
);
