"""What services refuse, in Chinese. English comes from the service itself, which knows the particulars.

``TEXTS`` by a problem's code; ``SENTENCES`` by the sentence about one field. What is missing in either is shown in the
service's own words.
"""

TEXTS: dict[str, tuple[str, str]] = {
    "unexpected": (
        "Something went wrong on the server. Nothing was changed; try again.",
        "服务器出错，未作任何更改，请重试。",
    ),
    "not_found": ("This no longer exists.", "该对象已不存在。"),
    "admin_only": ("Only an admin may do this.", "只有管理员可以执行此操作。"),
    "root_only": ("Only root may do this.", "只有 root 可以执行此操作。"),
    "wrong_login": ("The username or the password is not right.", "用户名或密码不正确。"),
    "user_disabled": ("This account is disabled. Ask your admin.", "此账户已停用，请联系管理员。"),
    "rate_limit_exceeded": ("Too many attempts. Try again later.", "尝试次数过多，请稍后再试。"),
    "wrong_code": (
        "The code is not the one that the server's terminal shows.",
        "验证码与服务器终端显示的不一致。",
    ),
    "setup_done": ("The set-up was done already. Log in instead.", "初始设置已完成，请直接登录。"),
    "group_not_allowed": ("You may not use this group.", "您不能使用该分组。"),
}

SENTENCES: dict[str, str] = {
    "This field is required.": "此项必填。",
    "This must not be empty.": "此项不能为空。",
    "This must be a whole number.": "请输入整数。",
    "This must be a text.": "请输入文本。",
    "This must be a decimal number.": "请输入小数。",
    "This must be an IP address or a range like 10.0.0.0/8.": "请输入 IP 地址或类似 10.0.0.0/8 的网段。",
    "This text must not hold control characters.": "文本不能包含控制字符。",
    "This time must lie between 1970 and 9998.": "时间必须在 1970 年至 9998 年之间。",
    "String should have at most 100 characters.": "最多 100 个字符。",
    "String should have at most 256 characters.": "最多 256 个字符。",
    "String should have at most 64 characters.": "最多 64 个字符。",
    "Input should be less than or equal to 9000000000000000.": "不能超过 9,000,000,000,000,000。",
    "Input should be less than or equal to 1000000.": "不能超过 1,000,000。",
    "The password needs at least 8 characters.": "密码至少需要 8 个字符。",
    "The password may have at most 1024 characters.": "密码最多 1024 个字符。",
}
