"""What there is to say of several processes where a backend trains in one."""


def process_count():
    return 1


def process_index():
    return 0


def agreed_to_end(call):
    return False
