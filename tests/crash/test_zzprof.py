def test_prof(ward):
    e = ward.run(None); print(e.codes)
