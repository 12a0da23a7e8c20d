from handlers import apig_wsgi, application, mangum, method, powertools

from taxiway import Backend, Function, HttpApi, Stage


def backend(stage: Stage) -> Backend:  # noqa: ARG001  every stage is the same
    api = HttpApi()
    for name, handler in (("mangum", mangum), ("wsgi", apig_wsgi), ("powertools", powertools)):
        api.post(f"/{name}/{{rest+}}", handler, function=Function(name=name))
    api.get("/object", application, function=Function(name="object"))
    api.get("/method", method, function=Function(name="method"))
    return Backend("frameworks", api=api)
