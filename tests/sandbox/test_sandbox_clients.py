"""Public Intacct clients, unmodified, against the sandbox at https://api.intacct.com.

They are installed from their registries into a separate environment, in the versions of ``requirements/clients.txt``
and ``clients/package-lock.json``. A client that cannot be installed fails its tests.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from revrec.sandbox.control.sandbox import Sandbox
from support.intacct_address import URL, intacct_address
from support.sandbox_client import SandboxClient, serving

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clients")]

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).with_name("clients")
PROGRAMS = "Scripts" if os.name == "nt" else "bin"
SECONDS = 600


class Clients(NamedTuple):
    """The installed clients: the programs of their environment, and a folder with the packages of npm."""

    programs: Path
    packages: Path


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Clients:
    """Install the clients, and Node.js, which is on PyPI too."""
    folder = tmp_path_factory.mktemp("clients")
    programs = folder / "python" / PROGRAMS
    run([sys.executable, "-m", "venv", folder / "python"], folder)
    pip = [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "-r", ROOT / "requirements" / "clients.txt"], folder)
    for name in ("package.json", "package-lock.json"):
        (folder / name).write_bytes((SCRIPTS / name).read_bytes())
    npm = [programs / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    run(npm, folder, PATH=os.pathsep.join([str(programs), os.environ["PATH"]]))
    return Clients(programs, folder / "node_modules")


@pytest.fixture
def intacct() -> Iterator[SandboxClient]:
    """Serve a company with a dimension that it has defined, whose user may not create vendors."""
    with serving(Sandbox(seed=7, public_url=URL)) as client:
        client.admin("dimensions", id="ROUTE", name="Route")
        client.admin("dimensionvalues", id="R1", name="North", parent="ROUTE")
        client.switch(denied="create:VENDOR")
        yield client


def run(words: list[Any], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        words,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def results_of(program: list[Any], intacct: SandboxClient, folder: Path, **environment: str) -> Any:
    """Run a script with a client, for which the sandbox is at Intacct's address, and return the results it prints."""
    with intacct_address(intacct.gateway_address(), folder) as (port, authority):
        environment |= {
            "https_proxy": f"http://127.0.0.1:{port}",
            "no_proxy": "",
            "REQUESTS_CA_BUNDLE": str(authority),
            "NODE_EXTRA_CA_CERTS": str(authority),
            "INTACCT_PORT": str(port),
        }
        return json.loads(run([*program, json.dumps(intacct.address)], folder, **environment))


def test_b76_sageintacctsdk_works_with_its_general_endpoint(
    clients: Clients, intacct: SandboxClient, tmp_path: Path
) -> None:
    found = results_of([clients.programs / "python", SCRIPTS / "with_sageintacctsdk.py"], intacct, tmp_path)
    assert len(found["lists"]) == 12 and all(found["lists"].values())
    assert all(found["written"].values())
    assert {"RECORDNO", "DEPARTMENTID", "TITLE", "STATUS"} <= set(found["lists"]["departments"][0])
    assert found["pages"] == [2] and found["count"] == len(found["lists"]["accounts"]) - 1
    assert "ROUTE" in found["dimensions"] and found["routes"][0]["NAME"] == "North"
    assert found["customer"]["customer"]["CUSTOMERID"] == "N-1"
    assert found["customer_now"]["NAME"] == "New" and found["customer_by_query"][0]["NAME"] == "Newer"
    assert found["attachment_now"]["recordno"] == found["attachment"]
    assert [file["attachmentname"] for file in found["files"]] == ["receipt", "annex"]
    assert (found["attachment_changed"], found["attachment_deleted"]) == (found["attachment"], "success")
    assert found["folders"] == ["Journal entries", "Receipts"] and found["folder_now"]["recordno"] == found["folder"]
    assert found["entry"] == {"STATE": "Posted", "REFERENCENO": "PY-1", "SUPDOCID": "R-1"}
    assert (found["changed"], found["title"], found["deleted"]) == ("success", "Changed", "success")
    assert {"JOURNAL", "BATCH_DATE"} <= set(found["fields"])
    assert found["order"] == "Sales Order-PY-SO" and "CUSTOMERDIMENSION" in found["preferences"]
    assert found["entity"] > 0
    errors = {name: kind for name, (kind, _text) in found["errors"].items()}
    expected = {"journal": "WrongParamsError", "field": "WrongParamsError", "password": "InvalidTokenError"}
    assert errors == expected | {"sender": "WrongParamsError", "permission": "NoPrivilegeError"}
    assert "Journal 'NONE' specified is not valid." in found["errors"]["journal"][1]


def test_b76_sageintacctsdk_does_not_use_the_endpoint_for_sessions(
    clients: Clients, intacct: SandboxClient, tmp_path: Path
) -> None:
    intacct.switch(session_endpoint="own")
    with pytest.raises(AssertionError, match="InvalidTokenError"):
        results_of([clients.programs / "python", SCRIPTS / "with_sageintacctsdk.py"], intacct, tmp_path)


@pytest.mark.parametrize("endpoint", ["any", "own"])
def test_b76_pyintacct_works(clients: Clients, intacct: SandboxClient, tmp_path: Path, endpoint: str) -> None:
    intacct.switch(session_endpoint=endpoint)
    found = results_of([clients.programs / "python", SCRIPTS / "with_pyintacct.py"], intacct, tmp_path)
    assert found["objects"] > 20 and "80" in found["lengths"] and "BATCH_TITLE" in found["fields"]
    assert len(found["accounts"]) == len(set(found["accounts"])) == 20
    assert (found["department"], found["title"], found["departments_left"]) == (["D-1"], ["Newer"], 0)
    assert found["state"] == ["Posted"] and found["order"] == ["Sales Order-PY-2"] and found["invoice"]
    assert found["entity"] > 0
    assert "Journal 'NONE' specified is not valid." in found["errors"]["journal"]
    assert "Invalid fields list NOTHING" in found["errors"]["field"]
    assert "Sign-in information is incorrect" in found["errors"]["password"]


@pytest.mark.parametrize("endpoint", ["any", "own"])
def test_b76_the_official_javascript_sdk_works(
    clients: Clients, intacct: SandboxClient, tmp_path: Path, endpoint: str
) -> None:
    intacct.switch(session_endpoint=endpoint)
    program = [clients.programs / "node", "--no-deprecation", SCRIPTS / "with_intacct_sdk.js"]
    found = results_of(program, intacct, tmp_path, NODE_PATH=str(clients.packages))
    assert found["endpoint"] == f"{URL}/ia/xml/na12/xmlgw.phtml" and found["entity"] == "100"
    assert {"JOURNAL", "BATCH_DATE"} <= set(found["fields"]) and found["objects"] > 20
    assert found["dimensions"] == 13 and "CUSTOMERDIMENSION" in found["preferences"]
    assert "General Ledger" in found["applications"]
    assert (found["customer"], found["customerNow"]) == ("JS-1", "New")
    assert found["folder"].isdecimal() and found["attachment"].isdecimal()
    assert found["entry"] == {"STATE": "Posted", "SUPDOCID": "JS-A"} and found["queried"] == ["JS-1"]
    assert found["accounts"] == [20, 8, 8, 4] and found["deleted"] == "success"
    assert found["reversed"] and found["order"] == "Sales Order-JS-SO"
    assert found["batch"] == ["success", "success"] and found["listed"] == 20
    assert "has been rolled back" in found["errors"]["transaction"]
    assert "Journal 'NONE' specified is not valid." in found["errors"]["journal"]
    assert "Invalid fields list X" in found["errors"]["field"]
    assert "Sign-in information is incorrect" in found["errors"]["password"]
    assert "Incorrect Intacct XML Partner ID or password." in found["errors"]["sender"]
    assert {line["type"] for entry in intacct.entries() for line in entry["lines"]} == {1, -1}
    assert set(intacct.balances().values()) == {"0.00"}
