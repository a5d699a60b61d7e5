"""The patch of moto's Lambda that saves memory."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from types import SimpleNamespace

from moto.awslambda import models

from local.moto_patches import functions


def test_a_functions_code_is_not_kept_beside_its_package_in_s3(monkeypatch):
    monkeypatch.setattr(models, "_s3_content", functions._without_content(models._s3_content))
    package = SimpleNamespace(value=b"package", size=7)
    kept, size, sha_256, _ = models._s3_content(package)
    assert kept == b""
    assert size == 7
    assert b64decode(sha_256) == hashlib.sha256(b"package").digest()
