"""Files as TRuDI reads them: reader, rules, and the calculation of TAF1 and TAF2.

Pure: no database, no clock, no network. `verification.verify` does everything that
`./casa verify` shows. What the rules are called and what the calculation does is
written in the application rule VDE-AR-E 2418-6 and in the published behaviour of
TRuDI 1.0.59.
"""
