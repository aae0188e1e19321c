"""The baseline: a Flask app with one view that does nothing, served exactly as the shop is."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def nothing() -> str:
    return "ok"
