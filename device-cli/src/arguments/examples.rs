//! What stands below the help of a command, and as EXAMPLES in its manual page.

pub(crate) const TITLE: &str = "Examples:\n";

pub(super) const LOGIN: &str = "\
Examples:
  device-cli login --issuer https://auth.example.com --client-id my-device
  device-cli login --provider github --client-id ID --scope \"repo read:user\"
  device-cli login --profile work --browser
  device-cli login --no-wait --json; device-cli login --resume --timeout 10m";

pub(super) const TOKEN: &str = "\
Examples:
  device-cli token --min-ttl 5m
  device-cli token --header | curl --fail --header @- https://api.example.com/
  device-cli token --id-token --output ~/token.jwt
  device-cli token --json | jq .expires_at";

pub(super) const STATUS: &str = "\
Examples:
  device-cli status --check
  device-cli status --all --json | jq .login_required";

pub(super) const RUN: &str = "\
Examples:
  device-cli run -- ./deploy --fast
  device-cli run --variable GITHUB_TOKEN -- gh repo list";

pub(super) const ENV: &str = "\
Examples:
  eval \"$(device-cli env)\"
  device-cli env --shell fish | source
  device-cli env --shell powershell | Out-String | Invoke-Expression";

pub(super) const CURL: &str = "\
Examples:
  device-cli curl -- --fail https://api.example.com/readings
  device-cli --profile work curl -- --json '{\"on\": true}' https://api.example.com/lamp";

pub(super) const CREDENTIAL: &str = "\
Examples:
  git config --global credential.https://HOST.helper '!device-cli credential git'
  kubectl config set-credentials me --exec-command=device-cli --exec-arg=credential --exec-arg=kubectl \\
      --exec-api-version=client.authentication.k8s.io/v1beta1
  ln -s \"$(command -v device-cli)\" ~/.local/bin/docker-credential-device-cli
  credential-provider = [\"device-cli\"]     in ~/.cargo/config.toml, below [registries.NAME]";

pub(super) const PROFILE_ADD: &str = "\
Examples:
  device-cli profile add work --issuer https://auth.example.com --client-id my-device
  device-cli profile add hub --provider github --client-id ID --store passphrase
  device-cli login --profile work; device-cli profile use work";

pub(super) const STORAGE_MOVE: &str = "\
Examples:
  device-cli storage move --to keyring
  device-cli storage move --to key-file --key-file /media/stick/device-cli.key";

pub(super) const DISCOVER: &str = "\
Examples:
  device-cli discover auth.example.com";

pub(super) const DOCTOR: &str = "\
Examples:
  device-cli doctor
  device-cli doctor --issuer https://auth.example.com --json";

pub(super) const QR: &str = "\
Examples:
  device-cli qr https://auth.example.com/device
  printf %s 'WIFI:S:lab;T:WPA;P:secret;;' | device-cli qr";

pub(super) const DECODE: &str = "\
Examples:
  device-cli token --id-token | device-cli decode";

pub(super) const COMPLETIONS: &str = "\
Examples:
  source <(device-cli completions bash)     in ~/.bashrc
  device-cli completions zsh > \"${fpath[1]}/_device-cli\"
  device-cli completions fish > ~/.config/fish/completions/device-cli.fish";

pub(super) const MAN: &str = "\
Examples:
  device-cli man | man -l -
  device-cli man ~/.local/share/man/man1; man device-cli-login";
