from taxiway import Backend, HttpApi, Stage

from hello import hello


def backend(stage: Stage) -> Backend:
    api = HttpApi()
    api.get("/hello/{name}", hello)
    return Backend("bare", api=api)
