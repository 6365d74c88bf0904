// The button stays for browsers without scripts; here the cart leaves by itself.
document.getElementById("return").requestSubmit();
