"""The withdrawal from a contract, which Directive (EU) 2023/2673 asks of shops in the EU."""
