def init_app(app, csrf) -> None:
    pass
