"""How the OpenAPI description is built: Flask-Smorest's, with what marshmallow cannot say of our shapes."""

from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin, OpenAPIConverter
from flask_smorest import Api
from flask_smorest.spec import prepare_response
from marshmallow import Schema, fields

from booking.api.shapes import Json


class Converter(OpenAPIConverter):
    """Adds what a schema is `described_as`, and that an empty parameter of a query is none."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.add_parameter_attribute_function(_may_be_empty)

    def schema2jsonschema(self, schema: Schema) -> Json:
        described: Json = super().schema2jsonschema(schema)
        return {**described, **getattr(schema, "described_as", {})}


def _may_be_empty(_: OpenAPIConverter, field: fields.Field[Any], *, ret: Json) -> Json:
    return {"allowEmptyValue": True} if ret["in"] == "query" else {}


class Plugin(MarshmallowPlugin):
    Converter = Converter


class HubApi(Api):  # type: ignore[misc]
    """Flask-Smorest's registry, with problem details for errors, and the pages' errors left alone."""

    def _register_error_handlers(self) -> None:
        from booking.api import problems

        problems.init_app(self._app)

    def _register_responses(self) -> None:
        from booking.api.problems import MEDIA_TYPE
        from booking.api.schemas import Problem

        problem: dict[str, Any] = {"description": "What went wrong, and what would help", "schema": Problem}
        prepare_response(problem, self.spec, MEDIA_TYPE)
        for name in ("DEFAULT_ERROR", "UNPROCESSABLE_ENTITY"):
            self.spec.components.response(name, dict(problem), lazy=True)
        self.spec.components.response("NOT_MODIFIED", {"description": "You have it already"}, lazy=True)

    def _register_pagination_header(self) -> None:
        """Our pages say where they go on in the body."""
