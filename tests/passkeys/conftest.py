"""Fixtures of the tests in a browser."""

from collections.abc import Iterator

import pytest
from person import Person

from support.ceremonies import BlankSite
from support.chromium import Chromium, Page
from support.client import Client
from support.server import Server


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="session")
def site() -> Iterator[BlankSite]:
    """Where passkeys of the server may be used."""
    with BlankSite() as site:
        yield site


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, site: BlankSite) -> Iterator[Server]:
    """A server whose passkeys are for that site."""
    folder = tmp_path_factory.mktemp("server")
    with Server(folder, webauthn_rp_id="localhost", webauthn_origins=site.origin) as server:
        yield server


@pytest.fixture
def page(browser: Chromium, site: BlankSite) -> Iterator[Page]:
    """A page of the site, with no device yet."""
    with browser.new_page(site.origin) as page:
        yield page


@pytest.fixture
def ada(client: Client, server: Server) -> Person:
    """Somebody who has signed up and signed in by password."""
    return Person(client, server)
