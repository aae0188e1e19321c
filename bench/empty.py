"""The baseline: a Flask app with one empty view, served like the shop."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index() -> str:
    return "ok"
