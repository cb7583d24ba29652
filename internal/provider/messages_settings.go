package provider

import "fmt"

// settingsMessages are about the provider block, its environment variables and its files.
func settingsMessages() []message {
	return []message{
		settingMissing("…", "…", "…"),
		settingUnknown("…"),
		malformedURL("…", "…", "an absolute https URL, such as https://api.example.com/v1"),
		insecureURL("…", "…"),
		malformedProviderDuration("…"),
		unknownEnvironment(`"…" is neither production nor playground`),
		retriesOutOfRange(maxRetriesLimit),
		paddedToken("…"),
		malformedToken("…", "…", "Copy the token again, without Bearer, quotation marks, a line break or a byte order mark."),
		emptyShopToken("…"),
		malformedShopName("…"),
		malformedTokensVariable(),
		twoTokenSources(),
		tokensFileUnreadable("…"),
		tokensFileReadableByOthers("…"),
		malformedTokensFile("…", "…"),
		progressFileUnwritable("…"),
		shopTokenMissing("…", "", "", false),
		malformedAdminsVariable(),
		malformedAdminShop("…"),
		tabsOutOfRange(maxTabsLimit),
		unusableProfile("…", "…"),
		emptyLabel("…"),
		unknownLabel("…", "…"),
		malformedSessionVariable(),
		malformedSessionsVariable(),
		malformedLogin(),
		malformedLoginsVariable(),
		noScreen(),
	}
}

func settingMissing(attribute, variable, what string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The provider's %s is not set.", attribute),
		do:      fmt.Sprintf("Set it, or the environment variable %s, to %s.", variable, what),
	}
}

func settingUnknown(attribute string) message {
	return message{
		general: true,
		why:     fmt.Sprintf("The provider needs %s during the plan, but its value is known only after an apply.", attribute),
		do:      "First apply what it depends on (-target), or set a value that is known during the plan.",
	}
}

// malformedURL is about an address. Must says what it must be.
func malformedURL(attribute, variable, must string) message {
	return message{
		title: "Malformed URL",
		why:   fmt.Sprintf("%s (or %s) must be %s.", attribute, variable, must),
		do:    "Correct it, or leave it out. Only the sandbox and the control panels of shops need another address than the default.",
	}
}

func insecureURL(attribute, variable string) message {
	return message{
		title: "Insecure URL",
		why:   fmt.Sprintf("%s (or %s) begins with http://. Others could read tokens and secrets on the network.", attribute, variable),
		do:    "Use https://. The provider accepts http:// only for a loopback address.",
	}
}

func malformedProviderDuration(attribute string) message {
	return message{
		title: "Malformed duration",
		why:   attribute + " must be a positive duration with a unit.",
		do:    `Write a number and a unit without a space, such as "30s" or "1m30s".`,
	}
}

func unknownEnvironment(problem string) message {
	return message{
		title: "Unknown environment",
		why:   fmt.Sprintf("The environment %s.", problem),
		do:    fmt.Sprintf("Set environment, or the variable %s, to production or playground. The default is production.", envEnvironment),
	}
}

func retriesOutOfRange(most int) message {
	return message{
		title: "Number of retries out of range",
		why:   fmt.Sprintf("max_retries must be between 0 and %d.", most),
		do:    fmt.Sprintf("Correct it, or leave it out. The default is %d.", defaultMaxRetries),
	}
}

// paddedToken is about a token with white space around it. What names the token.
func paddedToken(what string) message {
	return message{
		title: "White space around a token",
		why:   what + " begins or ends with white space, which is never part of a token. Probably, the copy included it.",
		do:    `Remove the white space. For a token from a file, use trimspace(file("…")).`,
	}
}

// malformedToken is about the token that what names. Fault says what is wrong with it.
func malformedToken(what, fault, do string) message {
	return message{
		title: "Malformed token",
		why:   fmt.Sprintf("%s %s.", what, fault),
		do:    do,
	}
}

func emptyShopToken(shop string) message {
	return message{
		title: "Empty Mystore token",
		why:   fmt.Sprintf("The token of shop %q is empty.", shop),
		do:    "Set the token, or remove the shop. If the tokens come from a vault or from CI, check that the secret exists there.",
	}
}

// malformedShopName is about a name in the map or file that source names.
func malformedShopName(source string) message {
	return message{
		title: "Malformed shop name",
		why: source + " has a key that is not the name of a shop. A shop's name has only letters, digits and hyphens. The key is not shown here, " +
			"because it may be a token.",
		do: "Check the order: the shop's name comes first. Remove white space. If others could read a token, create a new one.",
	}
}

func malformedTokensVariable() message {
	return message{
		title: "Malformed " + envMystoreTokens,
		why: fmt.Sprintf("The environment variable %s is not a JSON object from shop name to token. Its value is not shown here, because it may "+
			"contain tokens.", envMystoreTokens),
		do: `Set it to something like {"my-shop": "token"}. In a shell, put it in single quotes.`,
	}
}

func twoTokenSources() message {
	return message{
		title: "Two sources of Mystore tokens",
		why:   "mystore_tokens and mystore_tokens_file are both set. The provider reads only one, so it can't protect shops that only the other one names.",
		do:    "Move all tokens to one of them.",
	}
}

func tokensFileUnreadable(problem string) message {
	return message{
		title: "File of Mystore tokens not read",
		why:   fmt.Sprintf("The provider can't read the file in mystore_tokens_file (or %s): %s.", envTokensFile, problem),
		do:    "Correct the path. A relative path starts in the working directory.",
	}
}

func tokensFileReadableByOthers(file string) message {
	return message{
		title: "File of Mystore tokens is readable by others", warning: true,
		why: fmt.Sprintf("Other users of this machine can read %s, which contains the tokens of all shops.", file),
		do:  fmt.Sprintf("Remove their permission: chmod 600 %s. If others have used the machine, create new tokens.", file),
	}
}

func malformedTokensFile(file, problem string) message {
	return message{
		title: "Malformed file of Mystore tokens",
		why: fmt.Sprintf("The file in mystore_tokens_file (or %s) must be a JSON object from shop to token, or a CSV file with the columns shop and "+
			"token. %s is neither:\n%s", envTokensFile, file, problem),
		do: "Correct the row or the line that the message names. Save a spreadsheet as CSV, not as a workbook.",
	}
}

func progressFileUnwritable(problem string) message {
	return message{
		title: "Progress file can't be written",
		why:   fmt.Sprintf("The provider can't append to the file in progress_file (or %s): %s. Nothing was changed.", envProgressFile, problem),
		do:    "Correct the path, or make its directory writable. A relative path starts in the working directory.",
	}
}

// tokenPlace returns words for the place where the user has set the shops' tokens. Source is empty if the user has set
// none yet.
func tokenPlace(source string) string {
	switch source {
	case "":
		return "mystore_tokens, or to the environment variable " + envMystoreTokens
	case attributeTokens:
		return source
	case envMystoreTokens:
		return "the environment variable " + source
	case envTokensFile:
		return "the file that the environment variable " + source + " names"
	}
	return "the file in " + source
}

// shopTokenMissing is about a shop without a token. Source is where the user has set the tokens of other shops. Near is a
// shop with a token and a similar name, if any.
func shopTokenMissing(shop, source, near string, pages bool) message {
	m := message{
		why: fmt.Sprintf("The provider has no Mystore token for shop %s.", shop),
		do:  fmt.Sprintf("Create a token for this shop at auth.mystore.no and add it to %s.", tokenPlace(source)),
		note: "Names must match exactly, including upper and lower case. With a browser block, you can use a session instead of a token: " +
			"terraform-provider-kustom login --mystore SHOP.",
	}
	if near != "" {
		m.why += fmt.Sprintf(" It has a token for shop %s. Did you mean %s?", near, near)
		m.do = "If not: " + "c" + m.do[1:]
	}
	if pages {
		m.do += fmt.Sprintf(" Or sign in to the shop's control panel with terraform-provider-kustom login --mystore %s. In a pipeline, set %s.", shop, envMystoreSessions)
	}
	return m
}

func malformedAdminsVariable() message {
	return message{
		title: "Malformed " + envMystoreAdmins,
		why:   fmt.Sprintf("The environment variable %s is not a JSON object from shop name to address.", envMystoreAdmins),
		do:    `Set it to something like {"my-shop": "https://www.my-shop.no/kontrollpanel"}. In a shell, put it in single quotes.`,
	}
}

// malformedAdminShop has the title of malformedShopName.
func malformedAdminShop(shop string) message {
	m := malformedShopName("mystore_admin_urls")
	m.why = fmt.Sprintf("mystore_admin_urls has the key %q, which is not the name of a shop.", shop)
	m.do = "Check the order: the shop's name comes first, then the address."
	return m
}

func tabsOutOfRange(most int) message {
	return message{
		title: "Number of tabs out of range",
		why:   fmt.Sprintf("max_tabs must be between 1 and %d.", most),
		do:    fmt.Sprintf("Correct it, or leave it out. The default is %d.", defaultMaxTabs),
	}
}

func unusableProfile(file, problem string) message {
	return message{
		title: "Unusable profile",
		why:   fmt.Sprintf("The provider can't use the file %s in profile (or %s): %s.", file, envProfile, problem),
		do:    "Correct the path, or undo your changes to the file. To write a new file, run terraform-provider-kustom check --teach --profile FILE.",
	}
}

func emptyLabel(label string) message {
	return message{
		title: "Empty label",
		why:   fmt.Sprintf("The label %q has no text.", label),
		do:    "Write the text exactly as it is on the page.",
	}
}

func unknownLabel(label, labels string) message {
	return message{
		title:   "Unknown label",
		why:     fmt.Sprintf("The provider knows no label %q.", label),
		do:      "Use one of the labels in the message. The error about a missing element names the element's label.",
		details: fmt.Sprintf("The labels are: %s.", labels),
	}
}

func malformedSessionVariable() message {
	return message{
		title: "Malformed " + envPortalSession,
		why: fmt.Sprintf("The environment variable %s does not contain a session as terraform-provider-kustom login --print prints it. Its value is not shown "+
			"here, because it may contain one.", envPortalSession),
		do: "Run the command again, and set the variable to the whole line after " + envPortalSession + "=.",
	}
}

func malformedSessionsVariable() message {
	return message{
		title: "Malformed " + envMystoreSessions,
		why: fmt.Sprintf("The environment variable %s is not a JSON object from shop name to a session as terraform-provider-kustom login --print prints "+
			"it. Its value is not shown here, because it may contain sessions.", envMystoreSessions),
		do: "Run terraform-provider-kustom login --print --mystore SHOP again, and copy everything that it prints.",
	}
}

func malformedLogin() message {
	return message{
		title: "Malformed login",
		why: "mystore_logins must be a map from a shop's name to an object with a non-empty email and password. The value is not shown here, because it " +
			"may contain a password.",
		do: "Set both. If the user has one-time codes, set code_seed too. If the values come from a vault or from CI, check that the secret exists there.",
	}
}

func malformedLoginsVariable() message {
	return message{
		title: "Malformed " + envMystoreLogins,
		why: fmt.Sprintf("The environment variable %s is not a JSON object from shop name to login. Its value is not shown here, because it may contain "+
			"passwords.", envMystoreLogins),
		do: `Set it to something like {"my-shop": {"email": "…", "password": "…"}}. In a shell, put it in single quotes.`,
	}
}

func noScreen() message {
	return message{
		title: "No screen for attended mode",
		why: "With browser.attended, the provider shows windows and asks before each click. This machine has no screen: neither DISPLAY nor " +
			"WAYLAND_DISPLAY is set.",
		do: "Run Terraform where you can see its windows, or remove attended.",
	}
}
