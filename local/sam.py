"""What `sam package` and the SAM transform do, offline."""

from __future__ import annotations

import copy
import hashlib
import io
import logging
import zipfile
from pathlib import Path
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local.template import DeploymentError, Template

TRANSFORM = "AWS::Serverless-2016-10-31"
# Where packages go; `sam deploy --resolve-s3` makes such a bucket, too.
BUCKET = "aws-sam-cli-managed-default-samclisourcebucket"
FUNCTION_TYPES = ("AWS::Serverless::Function",)
STATE_MACHINE_TYPES = ("AWS::Serverless::StateMachine",)


def package(template: Template, base: Path, binaries: Path, s3: BaseClient) -> Template:
    """The template with local code and definitions uploaded, and the URIs of the uploads.

    A function's code is the host binary in `binaries` that has the name of its package: the last
    part of its CodeUri, or Metadata's BuildProperties.Binary.
    """
    template = copy.deepcopy(template)
    for logical_id, resource in (template.get("Resources") or {}).items():
        properties = resource.get("Properties") or {}
        if resource.get("Type") in FUNCTION_TYPES:
            code = _zipped(_binary(logical_id, resource, binaries))
            properties["CodeUri"] = _upload(s3, code, "zip")
        elif resource.get("Type") in STATE_MACHINE_TYPES:
            uri = properties.get("DefinitionUri")
            if isinstance(uri, str) and not uri.startswith("s3://"):
                properties["DefinitionUri"] = _upload(s3, (base / uri).read_bytes(), "asl")
    return template


def _binary(logical_id: str, resource: dict[str, Any], binaries: Path) -> Path:
    build = (resource.get("Metadata") or {}).get("BuildProperties") or {}
    code_uri = (resource.get("Properties") or {}).get("CodeUri")
    name = build.get("Binary") or (Path(code_uri).name if isinstance(code_uri, str) else "")
    path = binaries / name
    if not name or not path.is_file():
        raise DeploymentError(
            f"{logical_id}: there is no binary {path} for CodeUri {code_uri}; build it first"
        )
    return path


def _zipped(binary: Path) -> bytes:
    """A Lambda package: the binary as `bootstrap`, executable, stored; the same for the same."""
    entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o100755 << 16
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(entry, binary.read_bytes())
    return content.getvalue()


def _upload(s3: BaseClient, content: bytes, suffix: str) -> str:
    key = f"{hashlib.sha256(content).hexdigest()}.{suffix}"
    try:
        s3.head_object(Bucket=BUCKET, Key=key)
    except ClientError:
        # Creating one's own bucket again changes nothing in us-east-1.
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key=key, Body=content)
    return f"s3://{BUCKET}/{key}"


def translate(template: Template, values: dict[str, str], region: str) -> Template:
    """The template after the SAM transform, with `values` for its parameters."""
    # It warns that its usage metrics go nowhere.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    session = boto3.session.Session(region_name=region)
    # The policies that SAM looks up by name: none is used here, every role has its own.
    translator = Translator({}, Parser(), boto_session=session)
    try:
        return translator.translate(sam_template=template, parameter_values=values)
    except InvalidDocumentException as error:
        causes = "; ".join(cause.message for cause in error.causes)
        raise DeploymentError(f"Transform {TRANSFORM} failed with: {causes}") from error
