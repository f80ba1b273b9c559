"""What is asked and done before a policy runs on a machine: doctor, check of a bundle, compilation ahead.

Front doors: :mod:`doctor`, :mod:`check_bundle`, :mod:`compile_engine`.
"""
