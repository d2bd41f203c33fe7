import typer

app = typer.Typer(help="placeholder")


@app.callback()
def x() -> None: ...
@app.command()
def lfw() -> None: ...
