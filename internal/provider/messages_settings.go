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
		why:     fmt.Sprintf("The provider's %s depends on something that has not been applied yet, and is needed already.", attribute),
		do:      "Apply what it depends on first (-target), or give it a value that is known while planning.",
	}
}

// malformedURL says that an address is not what it must be.
func malformedURL(attribute, variable, must string) message {
	return message{
		title: "Malformed URL",
		why:   fmt.Sprintf("%s (or %s) must be %s.", attribute, variable, must),
		do: "Correct it, or leave it out: the default is right for everything but the sandbox. Only a shop's control panel has an address " +
			"of its own.",
	}
}

func insecureURL(attribute, variable string) message {
	return message{
		title: "Insecure URL",
		why:   fmt.Sprintf("%s (or %s) begins with http://. Others could read tokens and secrets on their way.", attribute, variable),
		do:    "Use https:// (http:// is accepted for a loopback address only).",
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
		do:    fmt.Sprintf("Correct it, or leave it out: the default is %d.", defaultMaxRetries),
	}
}

// paddedToken is about a token that what names.
func paddedToken(what string) message {
	return message{
		title: "White space around a token",
		why:   what + " begins or ends with white space, which is never part of a token. It was probably copied along.",
		do:    `Remove the white space. For a token from a file, use trimspace(file("…")).`,
	}
}

// malformedToken is about a token that what names: what is wrong with it, and what to do.
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
		do:    "Set the token, or remove the shop. If the tokens come from a vault or from CI, check that its secret exists.",
	}
}

// malformedShopName is about a name in a map or a file that source names.
func malformedShopName(source string) message {
	return message{
		title: "Malformed shop name",
		why: source + " has a key that is no shop's name, which consists of letters, digits and hyphens. The message does not show the key, " +
			"because it may be a token.",
		do: "Check the order: the shop's name comes first. Remove white space. If a token stood where others could read it, make a new one.",
	}
}

func malformedTokensVariable() message {
	return message{
		title: "Malformed " + envMystoreTokens,
		why: fmt.Sprintf("The environment variable %s is not a JSON object from shop name to token. Its content is not shown here, because it may "+
			"hold tokens.", envMystoreTokens),
		do: `Set it to something like {"my-shop": "token"}. In a shell, put it between single quotes.`,
	}
}

func twoTokenSources() message {
	return message{
		title: "Two sources of Mystore tokens",
		why:   "mystore_tokens and mystore_tokens_file are both set. The provider reads only one, so it could not protect the shops that only the other one names.",
		do:    "Put all tokens into one of the two.",
	}
}

func tokensFileUnreadable(problem string) message {
	return message{
		title: "File of Mystore tokens not read",
		why:   fmt.Sprintf("The provider can't read the file in mystore_tokens_file (or %s): %s.", envTokensFile, problem),
		do:    "Correct the path. A relative path begins at the working directory.",
	}
}

func tokensFileReadableByOthers(file string) message {
	return message{
		title: "File of Mystore tokens is readable by others", warning: true,
		why: fmt.Sprintf("Other users of this machine can read %s, which has the tokens of all shops.", file),
		do:  fmt.Sprintf("Remove their permission: chmod 600 %s. If others have used the machine, make new tokens.", file),
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
		do:    "Correct the path, or make its directory writable. A relative path begins at the working directory.",
	}
}

// tokenPlace returns the place of the shops' tokens that the user has chosen, for a sentence. Source is empty if the
// user has chosen none yet.
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

// shopTokenMissing is about a shop without a token. Source is where the user has set the tokens of others. Near is a
// shop with a similar name that has one, if any.
func shopTokenMissing(shop, source, near string, pages bool) message {
	m := message{
		why: fmt.Sprintf("The provider has no Mystore token for shop %s.", shop),
		do:  fmt.Sprintf("Make one for this shop at auth.mystore.no and add it to %s.", tokenPlace(source)),
		note: "Names are compared exactly, including capital letters. With a browser block, a session does as well: " +
			"terraform-provider-kustom login --mystore SHOP.",
	}
	if near != "" {
		m.why += fmt.Sprintf(" There is one for shop %s: did you mean %s?", near, near)
		m.do = "If not: " + "m" + m.do[1:]
	}
	if pages {
		m.do += fmt.Sprintf(" Or sign in to the shop's admin with terraform-provider-kustom login --mystore %s.", shop)
	}
	return m
}

func malformedAdminsVariable() message {
	return message{
		title: "Malformed " + envMystoreAdmins,
		why:   fmt.Sprintf("The environment variable %s is not a JSON object from shop name to address.", envMystoreAdmins),
		do:    `Set it to something like {"my-shop": "https://www.my-shop.no/kontrollpanel"}. In a shell, put it between single quotes.`,
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
		do:    fmt.Sprintf("Correct it, or leave it out: the default is %d.", defaultMaxTabs),
	}
}

func unusableProfile(file, problem string) message {
	return message{
		title: "Unusable profile",
		why:   fmt.Sprintf("The file %s, which profile (or %s) names, can't be used: %s.", file, envProfile, problem),
		do:    "Correct the path, or undo your changes to the file. terraform-provider-kustom check --teach --profile FILE writes a new one.",
	}
}

func emptyLabel(label string) message {
	return message{
		title: "Malformed word",
		why:   fmt.Sprintf("The word for the label %q must not be empty.", label),
		do:    "Write the word as it is on the page.",
	}
}

func unknownLabel(label, labels string) message {
	return message{
		title:   "Unknown label",
		why:     fmt.Sprintf("%q is not the label of anything on the pages.", label),
		do:      "Use one of the labels in the message. The error that says what was looked for names its label.",
		details: fmt.Sprintf("Labels are: %s.", labels),
	}
}

func malformedSessionVariable() message {
	return message{
		title: "Malformed " + envPortalSession,
		why: fmt.Sprintf("The environment variable %s is not a session as terraform-provider-kustom login --print prints it. Its content is not shown "+
			"here, because it may hold one.", envPortalSession),
		do: "Run the command again, and set the variable to the whole line after " + envPortalSession + "=.",
	}
}

func malformedSessionsVariable() message {
	return message{
		title: "Malformed " + envMystoreSessions,
		why: fmt.Sprintf("The environment variable %s is not a JSON object from shop name to a session as terraform-provider-kustom login --print prints "+
			"it. Its content is not shown here, because it may hold sessions.", envMystoreSessions),
		do: "Run terraform-provider-kustom login --print --mystore SHOP again, and copy all that it prints.",
	}
}

func malformedLogin() message {
	return message{
		title: "Malformed login",
		why: "mystore_logins goes from a shop's name to an object with email and password, neither of them empty. Nothing of it is shown here, because it " +
			"may be a password.",
		do: "Set both, and code_seed where the user has one-time codes. If they come from a vault or from CI, check that the secret exists.",
	}
}

func malformedLoginsVariable() message {
	return message{
		title: "Malformed " + envMystoreLogins,
		why: fmt.Sprintf("The environment variable %s is not a JSON object from shop name to login. Its content is not shown here, because it may hold "+
			"passwords.", envMystoreLogins),
		do: `Set it to something like {"my-shop": {"email": "…", "password": "…"}}. In a shell, put it between single quotes.`,
	}
}

func noScreen() message {
	return message{
		title: "No screen for a person who attends",
		why: "With browser.attended, the provider shows windows and asks before each click, and this machine has no screen: neither DISPLAY nor " +
			"WAYLAND_DISPLAY is set.",
		do: "Run Terraform where you can see its windows, or remove attended.",
	}
}
