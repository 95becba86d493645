"""Texts of the login page."""

TEXTS: dict[str, tuple[str, str]] = {
    "title": ("Log in", "登录"),
    "about": ("With the name or the e-mail address of your account.", "使用您的用户名或邮箱。"),
    "username": ("Username", "用户名"),
    "password": ("Password", "密码"),
    "button": ("Log in", "登录"),
    "unreachable": ("The server can't be reached. Try again in a moment.", "无法连接服务器，请稍后重试。"),
}
