"""Documents: upload, list, look at, delete, try again."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from api.dependencies import CurrentMetrics, CurrentPlatform, CurrentTenant
from api.multipart_upload import receive_upload
from api.schemas import (
    CollectionName,
    DocumentBody,
    DocumentList,
    DocumentStatus,
    Identifier,
    JobAccepted,
    Scalar,
    UploadAccepted,
)
from ingestion.names import InvalidMetadata
from ingestion.records import DocumentRecord, JobRecord, MetadataValue, Status

DEFAULT_COLLECTION = "default"
_METADATA = TypeAdapter(dict[str, Scalar])

router = APIRouter(prefix="/v1/documents", tags=["documents"])

_MULTIPART: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "The document; its file name is its relative path.",
                        },
                        "collection": {"type": "string", "default": DEFAULT_COLLECTION},
                        "metadata": {
                            "type": "string",
                            "description": "A JSON object of texts, numbers and booleans that filters can ask for.",
                        },
                    },
                }
            }
        },
    }
}


@router.post(
    "",
    status_code=202,
    openapi_extra=_MULTIPART,
    responses={200: {"model": UploadAccepted, "description": "The same bytes are known already: `unchanged`"}},
)
async def upload_document(
    request: Request, response: Response, platform: CurrentPlatform, tenant: CurrentTenant, metrics: CurrentMetrics
) -> UploadAccepted:
    """Take in a document. It is identified by its collection and relative path; new bytes replace the old version."""
    async with receive_upload(request, platform.upload_dir, platform.max_file_bytes) as received:
        upload = await run_in_threadpool(
            platform.intake.receive,
            tenant,
            received.fields.get("collection", DEFAULT_COLLECTION),
            received.name,
            received.stream,
            _metadata(received.fields.get("metadata")),
        )
    if upload.unchanged:
        response.status_code = 200
    else:
        metrics.count_upload(upload.document.size_bytes)
    return UploadAccepted(
        document_id=upload.document.id,
        job_id=upload.job.id if upload.job else None,
        status="unchanged" if upload.unchanged else cast(DocumentStatus, upload.document.status.value),
    )


@router.get("")
def list_documents(
    platform: CurrentPlatform,
    tenant: CurrentTenant,
    collection: CollectionName | None = None,
    status: DocumentStatus | None = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> DocumentList:
    """Newest first; `next_cursor` asks for the next page."""
    page = platform.registry.documents(
        tenant, collection=collection, status=Status(status) if status else None, cursor=cursor, limit=limit
    )
    return DocumentList(documents=[document_body(d) for d in page.documents], next_cursor=page.next_cursor)


@router.get("/{document_id}")
def show_document(document_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant) -> DocumentBody:
    return document_body(platform.registry.document(tenant, document_id))


@router.delete("/{document_id}", status_code=202)
def delete_document(document_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant) -> JobAccepted:
    """Hidden from searches at once; its points and bytes are removed by the job."""
    return _accepted(platform.intake.delete(tenant, document_id))


@router.post("/{document_id}/retry", status_code=202)
def retry_document(document_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant) -> JobAccepted:
    """Only for failed or cancelled documents; else 409."""
    return _accepted(platform.intake.retry(tenant, document_id))


def _metadata(text: str | None) -> dict[str, MetadataValue] | None:
    """The field `metadata` of an upload; empty counts as absent, which keeps what the document has."""
    if not text:
        return None
    try:
        return _METADATA.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = f"metadata field {first['loc'][0]!r}" if first["loc"] else "metadata"
        raise InvalidMetadata(
            f'{where}: {first["msg"]}. Send a JSON object such as {{"department": "sales", "year": 2026}}.'
        ) from None


def document_body(document: DocumentRecord) -> DocumentBody:
    facts = document.facts
    return DocumentBody.model_validate(
        {
            "document_id": document.id,
            "collection": document.collection,
            "name": document.name,
            "status": document.status.value,
            "searchable": document.searchable,
            "title": facts.title if facts else None,
            "media_type": facts.media_type if facts else None,
            "language": facts.language if facts else None,
            "pages": facts.page_count if facts else None,
            "chunks": facts.chunk_count if facts else None,
            "warnings": list(facts.warnings) if facts else [],
            "size_bytes": document.size_bytes,
            "content_hash": document.content_hash,
            "metadata": dict(document.metadata),
            "error": {"code": document.error.code, "message": document.error.message} if document.error else None,
            "job_id": document.job_id,
            "created_at": document.created_at,
            "updated_at": document.updated_at,
        }
    )


def _accepted(job: JobRecord) -> JobAccepted:
    return JobAccepted.model_validate({"document_id": job.document_id, "job_id": job.id, "status": job.status.value})
