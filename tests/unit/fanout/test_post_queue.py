from counter_service.runtime.fanout.post_queue import Post, PostQueue


def queue(*untried: str) -> PostQueue:
    return PostQueue(map(Post, untried))


def taken(posts: PostQueue, most: int, now: float = 0.0) -> list[str]:
    return [post.connection_id for post in posts.take(most, now)]


def test_queue_gives_due_retries_first_and_the_earliest_before_later_ones() -> None:
    posts = queue("a", "b")
    posts.retry(Post("later"), 2.0)
    posts.retry(Post("now"), 1.0)
    posts.retry(Post("not due"), 3.1)
    assert taken(posts, 3, now=3.0) == ["now", "later", "a"]
    assert taken(posts, 3, now=3.0) == ["b"]


def test_queue_gives_a_retry_at_the_moment_when_it_is_due() -> None:
    posts = queue()
    posts.retry(Post("a"), 1.0)
    assert taken(posts, 1, now=0.9) == []
    assert posts.next_retry_at == 1.0
    assert taken(posts, 1, now=1.0) == ["a"]


def test_queue_gives_no_more_posts_than_it_is_asked_for() -> None:
    posts = queue("c")
    for name in ("a", "b"):
        posts.retry(Post(name), 0.0)
    assert len(taken(posts, 1)) == 1
    assert len(taken(posts, 1)) == 1
    assert taken(posts, 1) == ["c"]


def test_queue_is_empty_when_its_last_post_was_taken() -> None:
    posts = queue("a", "b")
    assert taken(posts, 0) == []
    assert posts
    assert taken(posts, 3) == ["a", "b"]
    assert not posts


def test_abandoned_queue_leaves_the_untried_posts_unread() -> None:
    unread = map(Post, ["a", "b"])
    posts = PostQueue(unread)
    posts.retry(Post("c"), 0.0)
    posts.abandon()
    assert not posts
    assert [post.connection_id for post in unread] == ["a", "b"]
