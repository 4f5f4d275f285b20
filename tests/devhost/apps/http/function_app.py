"""A sample app: HTTP triggers of every kind that the dev host has to route."""

import asyncio
import base64
import json
import os
from typing import Any

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def _json(value: Any) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(value), mimetype="application/json")


@app.route(route="echo")
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    return _json(
        {
            "method": req.method,
            "url": req.url,
            "headers": dict(req.headers),
            "query": dict(req.params),
            "body": base64.b64encode(req.get_body()).decode("ascii"),
        }
    )


@app.route(route="items/{id:int}", methods=["GET"])
def numbered(req: func.HttpRequest) -> func.HttpResponse:
    return _json({"numbered": dict(req.route_params)})


@app.route(route="items/{id:guid}", methods=["GET"])
def identified(req: func.HttpRequest) -> func.HttpResponse:
    return _json({"identified": dict(req.route_params)})


@app.route(route="items/special", methods=["GET"])
def special(req: func.HttpRequest) -> func.HttpResponse:
    return _json({"special": dict(req.route_params)})


@app.route(route="items/{id}", methods=["GET"])
def named(req: func.HttpRequest) -> func.HttpResponse:
    return _json({"named": dict(req.route_params)})


@app.route(route="items/{id}", methods=["DELETE"])
def removed(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=204)


@app.route(route="files/{*rest}", methods=["GET"])
def files(req: func.HttpRequest) -> func.HttpResponse:
    return _json({"files": dict(req.route_params)})


@app.route(route="greet/{name?}", methods=["GET"])
def greet(req: func.HttpRequest) -> func.HttpResponse:
    return _json({"greet": dict(req.route_params)})


@app.route(route="page/{number:range(1,9)=1}/{size:maxlength(2)?}", methods=["GET"])
def page(req: func.HttpRequest) -> func.HttpResponse:
    return _json({"page": dict(req.route_params)})


@app.route(methods=["GET"])
def unrouted(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("found by its name")


@app.route(route="locked", auth_level=func.AuthLevel.FUNCTION, methods=["GET"])
def locked(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("unlocked")


@app.route(route="sealed", auth_level=func.AuthLevel.ADMIN, methods=["GET"])
def sealed(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("unsealed")


@app.route(route="rich", methods=["GET"])
def rich(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse(
        bytes(range(256)),
        status_code=418,
        headers={"X-One": "1", "X-Two": "2", "Content-Length": "1"},
        mimetype="application/octet-stream",
    )
    response.headers.add("Set-Cookie", "first=1; Path=/; HttpOnly; SameSite=Strict")
    response.headers.add(
        "Set-Cookie",
        "second=2; Max-Age=60; Secure; Domain=example.org; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
    )
    return response


@app.route(route="split", methods=["GET"])
def split(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("x")
    response.headers["X-Name"] = "a"
    response.headers._list.append(("X-Bad", "a\r\nX-Injected: 1"))
    return response


@app.route(route="raising", methods=["GET"])
def raising(req: func.HttpRequest) -> func.HttpResponse:
    raise RuntimeError("the reason is for the log only")


@app.route(route="dying", methods=["GET"])
def dying(req: func.HttpRequest) -> func.HttpResponse:
    os._exit(7)


@app.route(route="sleeping", methods=["GET"])
async def sleeping(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(60)
    return func.HttpResponse("too late")


@app.route(route="setting/{name}", methods=["GET"])
def setting(req: func.HttpRequest) -> func.HttpResponse:
    return _json(os.environ.get(req.route_params["name"]))


@app.route(route="off", methods=["GET"])
def off(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("a setting says that this is disabled")
