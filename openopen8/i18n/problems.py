"""What a refusal by a service says, by its code; a code that is missing here is shown in the service's own words.

English comes from the service itself, since it knows the particulars; so only Chinese stands here beside a short
English form that tests compare.
"""

TEXTS: dict[str, tuple[str, str]] = {
    "unexpected": (
        "Something went wrong on the server. Nothing was changed; try again.",
        "服务器出错，未作任何更改，请重试。",
    ),
    "not_found": ("This no longer exists.", "该对象已不存在。"),
    "admin_only": ("Only an admin may do this.", "只有管理员可以执行此操作。"),
    "not_allowed": ("You may not do this.", "您无权执行此操作。"),
    "invalid_login": ("Wrong username or password.", "用户名或密码错误。"),
}
